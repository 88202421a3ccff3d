// A connection that remembers, over pages, how far each user has read.
import { connection } from "./connection.js";

/** As `connection`, but events come as `event(name, text, {id, missed, first})`: `first` is what a page missed before it first connected. */
export function feed(address, hears, { id, kept, ...options }) {
  const last = kept.last();
  const begin = id || (last?.id ?? "");
  let user = null;
  let asked = id ? null : (last?.user ?? null);
  let first = true;

  const link = connection(address, { ...hears, state, event, live }, { ...options, id: begin });

  /** A stream is open when it has said whose it is. */
  function state(name) {
    if (name !== "open") hears.state(name);
  }

  function event(name, text, id, missed) {
    if (name === "ready" && !enter(whose(text))) return;
    hears.event(name, text, { id, missed, first: first && missed });
    kept.save(user, id);
    if (name === "ready") hears.state("open");
  }

  function live(id) {
    first = false;
    kept.save(user, id);
    hears.live();
  }

  /** The cookie may name another one than was here last, who was elsewhere in the streams. */
  function enter(now) {
    const isOther = now !== (user ?? asked ?? now);
    user = now;
    asked = null;
    const own = isOther ? kept.of(now) : "";
    if (own) link.restart(own);
    return !own;
  }

  return link;
}

/** As a key: nobody is not the user with an empty name. */
function whose(text) {
  try {
    const user = JSON.parse(text)?.user;
    return typeof user === "string" ? `=${user}` : "-";
  } catch {
    return "-";
  }
}
