// The past in numbers: a list for each field of the samples, oldest first, as charts take them. Pure.

/** As many as the server keeps: a quarter of an hour. */
const MOST = 900;

export class Past {
  #columns = new Map();

  /** All of it, as the server tells at first. */
  replace(columns) {
    this.#columns = new Map(Object.entries(columns));
  }

  add(sample) {
    const before = this.length;
    for (const [name, value] of Object.entries(sample)) {
      // A field that is new has no past.
      if (!this.#columns.has(name)) this.#columns.set(name, Array(before).fill(null));
      const column = this.#columns.get(name);
      column.push(value);
      if (column.length > MOST) column.shift();
    }
  }

  get length() {
    return this.column("at").length;
  }

  column(name) {
    return this.#columns.get(name) ?? [];
  }

  /** The newest value of a field, or null. */
  last(name) {
    return this.column(name).at(-1) ?? null;
  }
}
