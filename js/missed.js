// Notifications that come all at once when a page comes back: few are shown one by one, many as one.

import { identity } from "./identity.js";

/** Of more than this the oldest are not kept. */
const MOST_KEPT = 1_000;

export class Missed {
  #most;
  #show;
  #kept = [];

  /** More than `most` are given to `show.all`, else each to `show.one`: `(data, context)`. */
  constructor(most, show) {
    this.#most = most;
    this.#show = show;
  }

  keep(data, context) {
    if (data?.type === "destroy") this.#kept = [];
    else {
      this.dismiss(data?.id);
      this.#kept.push({ data, context });
    }
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
  }

  /** Takes back those that were to have this id, before anyone saw them. */
  dismiss(id) {
    const gone = identity(id);
    if (gone !== null) this.#kept = this.#kept.filter(({ data }) => identity(data?.id) !== gone);
  }

  /** The stream has caught up. Only the newest is heard. */
  show() {
    const kept = this.#kept;
    this.#kept = [];
    if (kept.length > this.#most) return this.#show.all(kept);
    kept.forEach(({ data, context }, at) => this.#show.one(data, { ...context, quiet: at < kept.length - 1 }));
  }
}
