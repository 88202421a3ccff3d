// The cursor of each user, kept for the next page. It names places in files and is no secret.

export class Kept {
  #key;
  #storage;

  /** `key` tells one stream's address from another. */
  constructor(key, storage) {
    this.#key = `tailcast ${key}`;
    this.#storage = storage;
  }

  /** Who was here last, and up to where: `{user, id}`, or null. */
  last() {
    const user = this.#read(this.#key);
    return user === null ? null : { user, id: this.of(user) };
  }

  of(user) {
    return this.#read(`${this.#key} ${user}`) ?? "";
  }

  save(user, id) {
    if (!id) return;
    this.#write(`${this.#key} ${user}`, id);
    if (this.#read(this.#key) !== user) this.#write(this.#key, user);
  }

  #read(key) {
    try {
      return this.#storage.getItem(key);
    } catch {
      return null;
    }
  }

  #write(key, value) {
    try {
      this.#storage.setItem(key, value);
    } catch {
      // Refused, or full: what comes while no page is open is then missed.
    }
  }
}
