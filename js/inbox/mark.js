// Up to where a user has read, in this browser; its tabs share it.

/** Places: each of 20 streams has one of the newest record, of the newest notification, of the history, and a spare. */
const MOST = 80;

export class Mark {
  #key;
  #places = null;
  #heard;

  /** `changed()` is called when another tab has read. */
  constructor(root, user, changed) {
    this.#key = `tailcast.inbox ${root.href} ${user ?? ""}`;
    try {
      this.#places = read(localStorage.getItem(this.#key));
    } catch {
      // A browser may refuse to keep anything; the mark then lasts as long as the page.
    }
    this.#heard = ({ key, newValue }) => {
      if (key !== this.#key) return;
      this.#places = read(newValue) ?? this.#places;
      changed();
    };
    addEventListener("storage", this.#heard);
  }

  /** Null where nobody has looked yet. */
  get places() {
    return this.#places;
  }

  /** Older places than the newest do no harm. */
  add(places) {
    this.#places = [...new Set([...places, ...(this.#places ?? [])])].slice(0, MOST);
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#places));
    } catch {
      // See above.
    }
  }

  close() {
    removeEventListener("storage", this.#heard);
  }
}

function read(text) {
  try {
    const places = JSON.parse(text);
    return Array.isArray(places) && places.every((place) => typeof place === "string") ? places.slice(0, MOST) : null;
  } catch {
    return null;
  }
}
