// The server itself, what it lets in, and what went wrong since it started.
import { element } from "../page/element.js";
import { bytes, clock, count, duration } from "./format.js";

/** Counted since the start: field, name. Any of the first two is a fault of the server or its disk. */
const FAULTS = [
  ["failed", "Failed writes", true],
  ["refused", "Refused connections", true],
  ["limited", "Limited requests", false],
  ["resets", "Resets", false],
];

export function about() {
  const place = document.getElementById("about");
  const uptime = element("dd");
  const faults = FAULTS.map(([field, name, isBad]) => ({ field, name, isBad, shown: element("dd") }));
  let started = 0;

  function status(server) {
    started = server.started;
    const { limits } = server;
    place.replaceChildren(
      fact("Version", server.version),
      fact("Started", clock(started, server.now)),
      wrap("Up for", uptime),
      fact("Mode", server.mode === "open" ? "open: whoever reaches it may read and write" : "secured: by token"),
      ...(server.streams === null ? [] : [fact("Folder", server.streams)]),
      ...faults.map(({ name, shown }) => wrap(name, shown)),
      fact("Connections at most", `${count(limits.connections)}, ${count(limits.perAddress)} from an address, ${count(limits.perUser)} of a user`),
      fact("Largest record", bytes(limits.maxRecord)),
      fact("Rotated from", limits.rotateSize === null ? "never" : bytes(limits.rotateSize)),
      fact("Closed when it takes nothing for", duration(limits.stall)),
    );
  }

  function draw(past) {
    if (past.length === 0) return;
    uptime.textContent = duration(Math.max(0, Math.floor(past.last("at") - started)));
    for (const { field, isBad, shown } of faults) {
      shown.textContent = count(past.last(field));
      shown.dataset.mood = isBad && past.last(field) > 0 ? "bad" : "";
    }
  }

  return { status, draw };
}

function fact(name, words) {
  return wrap(name, element("dd", {}, words));
}

function wrap(name, shown) {
  return element("div", {}, element("dt", {}, name), shown);
}
