// The list under the headings of its days.
import { arrange, element } from "./element.js";
import { Entry } from "./entry.js";
import { day } from "./when.js";

const EARLIER = "Earlier";

export class List {
  element = element("div", { class: "days" });
  #entries = new Map();
  #days = new Map();
  #lang;

  constructor(lang) {
    this.#lang = lang;
  }

  /** Items newest first; `unread` is a set of some of them. */
  draw(items, unread, now = Date.now() / 1000) {
    const kept = new Map(items.map((item) => [item, this.#entries.get(item) ?? new Entry(item, this.#lang)]));
    this.#entries = kept;
    const groups = new Map();
    for (const [item, entry] of kept) {
      entry.update(unread.has(item), now);
      // Records need no time; those above all that have one came some time before now.
      const name = Number.isFinite(item.at) ? day(item.at, now, this.#lang) : groups.size > 0 && !groups.has("") ? EARLIER : "";
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(entry.element);
    }
    this.#days = new Map([...groups.keys()].map((name) => [name, this.#days.get(name) ?? section(name)]));
    arrange(this.element, [...this.#days.values()]);
    for (const [name, entries] of groups) arrange(this.#days.get(name).lastElementChild, entries);
  }
}

function section(name) {
  return element("section", {}, name ? element("h3", { part: "day" }, name) : null, element("ol", { role: "list" }));
}
