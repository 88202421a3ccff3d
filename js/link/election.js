// One tab of those that ask leads. A Web Lock decides, so that a tab which is closed or killed leads no more at once.

export class Election {
  #name;
  #locks;
  #lead;
  #lost;
  #asking = null;
  #resign = null;

  /** Calls `lead` when this tab leads, and `lost` when another has taken that from it, which it does from a tab that hangs. */
  constructor(name, locks, { lead, lost }) {
    this.#name = name;
    this.#locks = locks;
    this.#lead = lead;
    this.#lost = lost;
  }

  get leads() {
    return this.#resign !== null;
  }

  ask({ steal = false } = {}) {
    this.#asking?.abort();
    const mine = (this.#asking = new AbortController());
    const options = steal ? { steal } : { signal: mine.signal };
    const held = () => {
      if (mine.signal.aborted) return null;
      const over = new Promise((resolve) => (this.#resign = resolve));
      this.#lead();
      return over;
    };
    this.#locks.request(this.#name, options, held).catch(({ name }) => {
      if (mine.signal.aborted) return;
      // A sandboxed frame, for example, may not ask: then each tab leads itself.
      if (name !== "AbortError") return this.#unasked();
      this.#resign = null;
      this.#lost();
    });
  }

  /** Leads no more, and does not ask to. */
  resign() {
    this.#asking?.abort();
    this.#asking = null;
    this.#resign?.();
    this.#resign = null;
  }

  #unasked() {
    this.#resign = () => {};
    this.#lead();
  }

  /** Whether other tabs wait to lead. */
  async isAwaited() {
    const { pending } = await this.#locks.query().catch(() => ({ pending: [] }));
    return pending.some((lock) => lock.name === this.#name);
  }
}
