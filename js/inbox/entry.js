// One notification in the list.
import { element } from "./element.js";
import { look } from "./note.js";
import { ago, day, exactly } from "./when.js";

export class Entry {
  /** The heading that it belongs under, or null. */
  day = null;
  #item;

  /** `item` has `note`, the data that was sent, `time`, in Unix seconds or null, and `at`, which stands for it. */
  constructor(item, lang, now) {
    const { note, time } = item;
    const { title, text, icon, image, url, colour, buttons } = look(note, document.baseURI);
    this.#item = item;
    this.lang = lang;
    this.when = time === null ? null : element("time", { datetime: new Date(time * 1000).toISOString(), title: exactly(time, lang) });
    const link = (words) => (url ? element("a", { href: url, class: "whole", part: "link" }, words) : words);
    this.element = element("li", { part: "item", "data-colour": colour.name ?? null, class: colour.name || colour.css ? "coloured" : null },
      icon ? element("span", { class: "icon", "aria-hidden": "true" }, icon) : element("span", { class: "icon none" }),
      element("div", { class: "words" },
        title ? element("p", { class: "title", dir: "auto" }, link(title)) : null,
        text ? element("p", { class: "text", dir: "auto" }, title ? text : link(text)) : null,
        buttons.length > 0 ? element("p", { class: "buttons" }, ...buttons.map(({ name, url }) => element("a", { href: url, dir: "auto", part: "button" }, name))) : null,
        this.when),
      image ? picture(image) : null);
    // By a property, never by text: a policy allows that, and it can only become a colour.
    if (colour.css) this.element.style.setProperty("--_colour", colour.css);
    this.tell(now);
  }

  /** Says when it was, as seen from now. */
  tell(now) {
    const { time, at } = this.#item;
    if (this.when) this.when.textContent = ago(time, now, this.lang);
    this.day = Number.isFinite(at) ? day(at, now, this.lang) : null;
  }

  mark(isUnread) {
    if (isUnread === this.element.hasAttribute("data-unread")) return;
    this.element.toggleAttribute("data-unread", isUnread);
    if (isUnread) this.element.append(element("span", { class: "dot" }, element("span", { class: "sr-only" }, "Unread")));
    else this.element.querySelector(".dot").remove();
  }
}

function picture(src) {
  const image = element("img", { alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer", src });
  image.onerror = () => image.remove();
  return image;
}
