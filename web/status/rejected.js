// Records that are none: where, why, and how to mend them.
import { element } from "../page/element.js";
import { count } from "./format.js";
import { channels, detail, fill, more, name, time, total } from "./list.js";

export function rejected({ count: all, newest }) {
  fill("rejected", newest.map(rejection), "Nothing was rejected since the server started.");
  total("rejected-count", all > 0 ? count(all) : "");
  more("rejected-more", all > newest.length ? "`tailcast check` shows each." : "");
}

function rejection({ at, user, channel, file, line, column, reason, hint }) {
  const what = element("span", {}, element("bdi", { className: "name" }, reason));
  const place = element("bdi", { className: "place" }, `${file}:${line}:${column}`);
  const of = user === null ? [] : ["of ", name(user)];
  return element("li", {}, what, time(at), detail([place], of, channels([channel])), detail([hint]));
}
