// The list under the headings of its days.
import { arrange, element } from "./element.js";
import { Entry } from "./entry.js";
import { language } from "./when.js";

const EARLIER = "Earlier";

export class List {
  element = element("div", { class: "days" });
  #entries = new Map();
  #days = new Map();
  #lang;

  constructor(lang) {
    this.#lang = language(lang);
  }

  /** Items newest first; `unread` is a set of some of them. */
  draw(items, unread) {
    const now = Date.now() / 1000;
    const kept = new Map();
    for (const item of items) kept.set(item, this.#entries.has(item) ? this.#entries.get(item) : this.#entry(item, now));
    this.#entries = kept;
    const groups = new Map();
    for (const [item, entry] of kept) {
      if (entry === null) continue;
      entry.mark(unread.has(item));
      // Records need no time; those above all that have one came some time before now.
      const name = entry.day ?? (groups.size > 0 && !groups.has("") ? EARLIER : "");
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(entry.element);
    }
    this.#days = new Map([...groups.keys()].map((name) => [name, this.#days.get(name) ?? section(name)]));
    arrange(this.element, [...this.#days.values()]);
    for (const [name, entries] of groups) arrange(this.#days.get(name).lastElementChild, entries);
  }

  /** Time goes on: what drawing says of it, it says for new ones only. */
  tell() {
    for (const entry of this.#entries.values()) entry?.tell(Date.now() / 1000);
  }

  /** Null where it cannot be shown, so that the others are. */
  #entry(item, now) {
    try {
      return new Entry(item, this.#lang, now);
    } catch (error) {
      console.error("tailcast: cannot list a notification", error);
      return null;
    }
  }
}

function section(name) {
  return element("section", {}, name ? element("h3", { part: "day" }, name) : null, element("ol", { role: "list" }));
}
