// Who came and went, and why.
import { element } from "../page/element.js";
import { count, duration } from "./format.js";
import { channels, detail, fill, mood, name, time } from "./list.js";

const ENDS = new Map([
  ["left", () => ["soft", "left"]],
  ["behind", (behind) => ["wait", `left while ${duration(behind)} behind`]],
  ["stalled", (behind) => ["bad", `stalled, ${duration(behind)} behind`]],
  ["expired", () => ["wait", "its token expired"]],
  ["disconnected", () => ["wait", "disconnected by an administrator"]],
  ["stops", () => ["soft", "the server stops"]],
]);
const REFUSED = new Map([
  ["user", "too many of this user"],
  ["address", "too many from this address"],
]);

export function recent(moments) {
  fill("recent", moments.map(moment), "Nobody came yet.");
}

function moment({ at, user, channels: names, address, ...what }) {
  const who = element("span", {}, name(user), mood(...words(what)));
  const lasted = what.what === "end" ? [`after ${duration(what.lasted)}`] : [];
  const from = address === null ? [] : [`from ${address}`];
  return element("li", {}, who, time(at), detail(lasted, from, channels(names)));
}

/** How good it is, and what happened. Pure. */
export function words({ what, why, behind, times }) {
  if (what === "connect") return ["good", "connected"];
  if (what === "end") return ENDS.get(why)?.(behind) ?? ["soft", why];
  return ["bad", `refused${times > 1 ? ` ${count(times)} times` : ""}: ${REFUSED.get(why) ?? why}`];
}
