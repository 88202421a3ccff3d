// Who is online: users by their connections, and the newest connections.
import { element } from "../page/element.js";
import { count, duration, several } from "./format.js";
import { bar, channels, detail, fill, more, mood, name, time, total } from "./list.js";

export function online({ total: connections, users, most, newest }) {
  const largest = most.length > 0 ? most[0][1] : 1;
  fill("users", most.map(([user, has]) => bar(name(user), count(has), has / largest)), "Nobody who has a name.");
  total("users-count", count(users));
  more("users-more", users > most.length ? `and ${several(users - most.length, "more user")}` : "");

  fill("newest", newest.map(connection), "Nobody is connected.");
  total("newest-count", count(connections));
  more("newest-more", connections > newest.length ? `and ${several(connections - newest.length, "older one")}` : "");
}

function connection({ user, channels: names, address, since, lag }) {
  const who = element("span", {}, name(user));
  if (lag > 0) who.append(mood("bad", `${duration(lag)} behind`));
  const from = address === null ? [] : [`from ${address}`];
  return element("li", {}, who, time(since), detail(from, channels(names)));
}
