// Notifications of one moment are gathered, so that many which come at once are shown as such.

/** Milliseconds that a moment lasts: nobody notices them, and a burst has come by then. */
const GATHERS = 50;
/** Of more than this the oldest are not kept. */
export const MOST_KEPT = 1_000;

/** `show(all)` gets the first at once, and then what came until it had ended, oldest first. */
export function burst(show, later = setTimeout) {
  const waiting = new Map();
  let busy = false;

  async function next() {
    busy = waiting.size > 0;
    if (!busy) return;
    const all = [...waiting.values()];
    waiting.clear();
    await Promise.all([show(all), new Promise((resolve) => later(resolve, GATHERS))]).finally(next);
  }

  return {
    /** Another with this id, unless it is null, replaces what waits. */
    add(id, one) {
      const key = id ?? Symbol();
      waiting.delete(key);
      waiting.set(key, one);
      if (waiting.size > MOST_KEPT) waiting.delete(waiting.keys().next().value);
      if (!busy) next();
    },
    /** The one with this id, or all if it is null. */
    drop: (id) => (id === null ? waiting.clear() : waiting.delete(id)),
  };
}
