// The event stream. Nothing else knows that it is an EventSource.

/** First pause before opening anew, doubled each time, when EventSource has given up for good (any status but 200). */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** Opens `url` and reports `state(name)` and `event(name or null, text, id)`; named events only after `listen(name)`. */
export function connection(url, { state, event }, { Source = globalThis.EventSource, page = globalThis } = {}) {
  const names = new Set();
  let source = null;
  let lastId = "";
  let pause = FIRST_PAUSE;
  let timer = null;

  const receive = ({ type, data, lastEventId }) => {
    lastId = lastEventId || lastId;
    event(type === "message" ? null : type, data, lastEventId);
  };

  function open() {
    clearTimeout(timer);
    timer = null;
    source = new Source(resumed(url, lastId));
    source.onopen = () => {
      pause = FIRST_PAUSE;
      state("open");
    };
    source.onmessage = receive;
    source.onerror = failed;
    for (const name of names) source.addEventListener(name, receive);
  }

  function failed() {
    state("waiting");
    if (source.readyState !== Source.CLOSED) return;
    // Between half and all of the pause, so that many pages do not come back in the same moment.
    timer = setTimeout(open, pause * (0.5 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }

  function hurry() {
    if (timer !== null) open();
  }

  function listen(name) {
    // "message", "open" and "error" are EventSource's own.
    if (names.has(name) || ["message", "open", "error"].includes(name)) return;
    names.add(name);
    source.addEventListener(name, receive);
  }

  function close() {
    clearTimeout(timer);
    timer = null;
    source.close();
    page.removeEventListener?.("online", hurry);
    state("closed");
  }

  page.addEventListener?.("online", hurry);
  open();
  return { listen, close };
}

/** A new EventSource has forgotten where the old one stood, so the place goes into the address. */
function resumed(url, lastId) {
  const address = new URL(url);
  if (lastId) address.searchParams.set("lastEventId", lastId);
  return address.href;
}
