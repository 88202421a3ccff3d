// Lists whose every text is somebody else's: names, files, reasons. All of it stays text.
import { element } from "../page/element.js";
import { clock } from "./format.js";

/** Shows these items, or says that there are none. */
export function fill(id, items, none) {
  const list = document.getElementById(id);
  list.replaceChildren(...(items.length > 0 ? items : [element("li", { className: "none" }, none)]));
}

/** A user; without a name it follows what is for everyone. */
export function name(user) {
  if (user === null) return element("span", { className: "name nobody" }, "without a name");
  return element("bdi", { className: "name", title: user }, user);
}

/** Channels in words; the empty name is the default channel, which goes without saying. */
export function channels(names) {
  const named = names.filter((channel) => channel !== "");
  if (named.length === 0) return [];
  return ["in ", ...named.flatMap((channel, at) => [at > 0 ? ", " : "", element("bdi", {}, channel)])];
}

export function time(at) {
  return element("time", { className: "side", dateTime: new Date(at * 1000).toISOString() }, clock(at));
}

/** A word that says how good or bad something is. */
export function mood(kind, words) {
  return element("span", { className: "mood", dataset: { mood: kind } }, words);
}

/** A name, how much it has, and that as a bar; `share` is of the largest, from 0 to 1. */
export function bar(named, much, share) {
  const filled = element("span", { className: "fill" });
  filled.style.setProperty("--share", String(share));
  return element("li", {}, named, element("span", { className: "much" }, much), element("span", { className: "track" }, filled));
}

/** Parts with dots between them; those that have nothing to say are left out. */
export function detail(...parts) {
  const told = parts.filter((part) => part.length > 0);
  return element("span", { className: "detail" }, ...told.flatMap((part, at) => (at > 0 ? [" · ", ...part] : part)));
}

export function more(id, words) {
  document.getElementById(id).textContent = words;
}

export function total(id, words) {
  document.getElementById(id).textContent = words;
}
