/** Milliseconds before the first try, doubled each time; the longest is about what a person waits before reloading. */
const FIRST = 1_000;
const LONGEST = 30_000;

/** Pauses between tries: each between half and all of its length, so that many pages do not come back in the same moment. */
export class Pause {
  #length = FIRST;

  next() {
    const length = this.#length * (0.5 + Math.random() / 2);
    this.#length = Math.min(this.#length * 2, LONGEST);
    return length;
  }

  reset() {
    this.#length = FIRST;
  }
}
