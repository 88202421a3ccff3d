// Who wants to hear of what. A topic is "cmd:x", "event:x" or a moment in the client's life.
const MOMENTS = new Set(["ready", "state", "reset", "record"]);
/** Tells the page of an error that is its own. */
export const report = (error) => void (globalThis.reportError ?? console.error)(error);

export class Topics {
  #listeners = new Map();

  /** `"x"` → `["cmd", "x"]`, `"event:x"` → `["event", "x"]`, `"ready"` → `["ready", ""]`. */
  static split(name) {
    if (MOMENTS.has(name)) return [name, ""];
    const [, kind, rest] = /^(event|cmd):(.+)$/s.exec(name) ?? [null, "cmd", name];
    return [kind, rest];
  }

  add(name, fn) {
    if (typeof fn !== "function") throw new TypeError(`tailcast.on("${name}", …) needs a function`);
    const topic = key(name);
    if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
    const entry = { fn };
    this.#listeners.get(topic).add(entry);
    return () => this.#remove(topic, entry);
  }

  /** Calls every listener, one's error not stopping the next; says whether there was any. */
  emit(name, ...values) {
    const listeners = [...(this.#listeners.get(key(name)) ?? [])];
    for (const { fn } of listeners) guarded(fn, ...values);
    return listeners.length > 0;
  }

  #remove(topic, entry) {
    const entries = this.#listeners.get(topic);
    entries?.delete(entry);
    if (entries?.size === 0) this.#listeners.delete(topic);
  }
}

/** Runs a page's function so that its error reaches the page's error reporting and nothing else. */
export function guarded(fn, ...values) {
  try {
    Promise.resolve(fn(...values)).catch(report);
  } catch (error) {
    report(error);
  }
}

function key(name) {
  const [kind, rest] = Topics.split(name);
  return rest ? `${kind}:${rest}` : kind;
}
