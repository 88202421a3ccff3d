// Notifications wait for a moment, so that many which come at once are shown as such, and what is taken back at once is never shown.

/** Milliseconds: nobody notices them, and a burst has come by then. */
const GATHERS = 50;
/** Of more than this the oldest are not kept. */
export const MOST_KEPT = 1_000;

/** `show(all)` gets what came, oldest first, and is asked again only when it has ended. */
export function burst(show, later = setTimeout) {
  const waiting = new Map();
  let busy = false;

  function begin() {
    if (busy || !waiting.size) return;
    busy = true;
    later(end, GATHERS);
  }

  async function end() {
    const all = [...waiting.values()];
    waiting.clear();
    try {
      if (all.length) await show(all);
    } finally {
      busy = false;
      begin();
    }
  }

  return {
    /** Another with this id, unless it is null, replaces what waits. */
    add(id, one) {
      const key = id ?? Symbol();
      waiting.delete(key);
      waiting.set(key, one);
      if (waiting.size > MOST_KEPT) waiting.delete(waiting.keys().next().value);
      begin();
    },
    /** The one with this id, or all if it is null. */
    drop: (id) => (id === null ? waiting.clear() : waiting.delete(id)),
  };
}
