// The event stream. Nothing else knows that it is an EventSource.
import { Alarm } from "./alarm.js";
import { Pause } from "./pause.js";

/** A stream is dead when nothing came for so many heartbeats. */
const PATIENCE = 2.5;
/** Milliseconds that a connection may take to open. */
const OPENS_WITHIN = 30_000;
/** Failures in a row that are left to EventSource, which knows how long the server asked it to wait. */
const OWN_FAILURES = 2;
/** EventSource's own events, which no server can send. */
const RESERVED = ["message", "open", "error"];
/** What the link itself needs to hear. */
const OWN = ["ready", "ping"];

/**
 * Opens the address, a URL or what returns one, and reports `state(name)`, `event(name or null, text, id, missed)` and `live()`. An event
 * is `missed` if it was sent before the page came back; `live` says that all those are there, and is called again with each sign
 * of life. Named events come only after `listen(name)`. Where the server sends heartbeats as events (`ping=1`), a dead stream is noticed.
 *
 * `id` is where to begin. `denied` is asked when the server wants another proof (401, 403), and resolves to whether there is one now.
 */
export function connection(address, hears, { id = "", denied = async () => false, Source = globalThis.EventSource, page = globalThis, status = headStatus } = {}) {
  const names = new Set();
  const pause = new Pause();
  const alarm = new Alarm(late, page);
  let source = null;
  let lastId = id;
  let timer = null;
  let failures = 0;
  let missed = false;
  let renewed = false;

  function open() {
    end();
    const url = resumed(typeof address === "function" ? address() : address, lastId);
    const cors = page.location !== undefined && new URL(url).origin !== page.location.origin;
    source = new Source(url, { withCredentials: cors });
    source.onopen = opened;
    source.onmessage = receive;
    source.onerror = failed;
    for (const name of [...OWN, ...names]) source.addEventListener(name, receive);
    alarm.heard();
    alarm.patience = OPENS_WITHIN;
  }

  function end() {
    clearTimeout(timer);
    timer = null;
    if (source === null) return;
    source.onopen = source.onmessage = source.onerror = null;
    for (const name of [...OWN, ...names]) source.removeEventListener(name, receive);
    source.close();
    source = null;
  }

  function opened() {
    alarm.heard();
    pause.reset();
    failures = 0;
    renewed = false;
    hears.state("open");
  }

  function receive({ type, data, lastEventId }) {
    alarm.heard();
    if (type === "ready") begin(heartbeat(data));
    const isPing = type === "ping" && heartbeat(data) !== null;
    if (isPing && isBehind(data)) return void (lastId = lastEventId || lastId);
    lastId = lastEventId || lastId;
    if (isPing) {
      missed = false;
      hears.live?.(lastId);
    } else if (type !== "ping" || names.has(type)) {
      hears.event(type === "message" ? null : type, data, lastEventId, missed);
    }
  }

  function begin(every) {
    // Who gets no pings would never hear that it has caught up.
    missed = every !== null;
    alarm.patience = every === null ? Infinity : every * PATIENCE;
  }

  function late() {
    if (timer !== null) return;
    hears.state("waiting");
    open();
  }

  function failed() {
    failures += 1;
    if (source.readyState === Source.CLOSED) return void gaveUp();
    hears.state("waiting");
    if (failures > OWN_FAILURES) later();
  }

  /** It does so at any status but 200, and does not say which. */
  async function gaveUp() {
    const mine = source;
    const code = await status(mine.url);
    if (source !== mine) return;
    if (code !== 401 && code !== 403) {
      hears.state("waiting");
      return later();
    }
    // A person may be asked.
    alarm.patience = Infinity;
    const isNew = await denied().catch(() => false);
    if (source !== mine) return;
    if (isNew && !renewed) {
      renewed = true;
      return open();
    }
    hears.state("unauthorized");
    later();
  }

  function later() {
    end();
    timer = setTimeout(open, pause.next());
  }

  /** Back online, the network is another one and the old connection may be dead, or nobody need wait any longer. */
  function online() {
    if (source !== null) hears.state("waiting");
    open();
  }

  function listen(name) {
    if (names.has(name) || RESERVED.includes(name)) return;
    names.add(name);
    source?.addEventListener(name, receive);
  }

  /** Begins anew, from this place on. */
  function restart(from = lastId) {
    lastId = from;
    open();
  }

  function close() {
    end();
    alarm.stop();
    page.removeEventListener?.("online", online);
    hears.state("closed");
  }

  page.addEventListener?.("online", online);
  open();
  return { listen, restart, close };
}

/** A new EventSource has forgotten where the old one stood, so the place goes into the address. */
function resumed(url, lastId) {
  const address = new URL(url);
  if (lastId) address.searchParams.set("lastEventId", lastId);
  return address.href;
}

/** Whether what was missed is still being sent. */
const isBehind = (text) => JSON.parse(text).behind === true;

/** Milliseconds between the server's signs of life, if it says so. */
export function heartbeat(text) {
  try {
    const every = JSON.parse(text)?.heartbeat;
    return Number.isFinite(every) && every > 0 ? every : null;
  } catch {
    return null;
  }
}

/** The status that this stream would be answered with, or null if there is no answer. */
async function headStatus(url) {
  const credentials = new URL(url).origin === globalThis.location?.origin ? "same-origin" : "include";
  return fetch(url, { method: "HEAD", credentials, cache: "no-store" }).then((answer) => answer.status, () => null);
}
