// Notices silence by the wall clock, which goes on while the machine sleeps; timers do not.

/** When a page may have slept or changed its network: time to look at the clock. */
const MOMENTS = ["online", "pageshow", "visibilitychange", "resume"];

export class Alarm {
  #late;
  #page;
  #patience = Infinity;
  #heard = Date.now();
  #timer = null;
  #look = () => this.#check();

  /** Calls `late` when nothing was heard for `patience` milliseconds, again each time that they have passed. */
  constructor(late, page = globalThis) {
    this.#late = late;
    this.#page = page;
    for (const moment of MOMENTS) this.#target(moment)?.addEventListener?.(moment, this.#look);
  }

  set patience(milliseconds) {
    this.#patience = milliseconds;
    this.#arm();
  }

  heard() {
    this.#heard = Date.now();
    if (this.#timer === null) this.#arm();
  }

  stop() {
    clearTimeout(this.#timer);
    for (const moment of MOMENTS) this.#target(moment)?.removeEventListener?.(moment, this.#look);
  }

  #target(moment) {
    return moment === "visibilitychange" || moment === "resume" ? this.#page.document : this.#page;
  }

  /** One timer for each patience and not for each sign of life. */
  #arm() {
    clearTimeout(this.#timer);
    const left = this.#heard + this.#patience - Date.now();
    this.#timer = Number.isFinite(left) ? setTimeout(this.#look, Math.max(left, 1)) : null;
  }

  #check() {
    if (Date.now() - this.#heard >= this.#patience) {
      this.#heard = Date.now();
      this.#late();
    }
    this.#arm();
  }
}
