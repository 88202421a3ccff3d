// What the bell opens: the list, and what can be done with it.
import { drawing, element } from "./element.js";
import { List } from "./list.js";

const CROSS = "M18.3 5.7 12 12l6.3 6.3-1.4 1.4-6.3-6.3-6.3 6.3-1.4-1.4L9.2 12 2.9 5.7l1.4-1.4 6.3 6.3 6.3-6.3z";
/** Pages asked for by one scroll: among many other records some may hold no notification. */
const PAGES_AT_ONCE = 5;
/** Milliseconds between updates of "5 minutes ago". */
const MINUTE = 60_000;
/** Milliseconds until what changed is drawn without a frame: hidden pages have none. */
const FRAME_AT_LAST = 1_000;

export class Panel {
  #box = null;
  #list;
  #pages = 0;
  #timer = null;
  #frame = null;
  #late = null;
  #eye = null;
  #read = button("Mark all as read", "read");
  #ask = button("Also show on the desktop", "ask");
  #say = element("p", { class: "sr-only", role: "status" });
  #end = element("div", { class: "end" });
  #scroll;

  constructor({ lang, close }) {
    this.#list = new List(lang);
    this.#scroll = element("div", { class: "scroll", part: "list", tabindex: "0", role: "group", "aria-label": "List of notifications" }, this.#list.element, this.#end);
    const cross = element("button", { type: "button", class: "cross", "aria-label": "Close", part: "button" }, drawing(CROSS));
    this.element = element("div", { class: "panel", part: "panel", role: "dialog", "aria-label": "Notifications" },
      element("div", { class: "head" }, element("h2", { part: "title" }, "Notifications"), this.#read, cross),
      this.#scroll, this.#ask, this.#say);
    cross.addEventListener("click", close);
    this.#read.addEventListener("click", () => {
      this.#box.read();
      this.#scroll.focus();
    });
    this.#ask.addEventListener("click", async () => {
      await Notification.requestPermission();
      this.draw();
    });
    this.#scroll.addEventListener("scroll", () => (this.#pages = 0), { passive: true });
  }

  open(box) {
    // It may be open, with another box.
    this.close();
    this.#box = box;
    this.#pages = 0;
    this.#eye = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.#more(), { root: this.#scroll, rootMargin: "200px" });
    this.#timer = setInterval(() => this.#tell(), MINUTE);
    this.#tell();
    this.#scroll.scrollTop = 0;
    this.#scroll.focus();
  }

  close() {
    clearInterval(this.#timer);
    this.#rest();
    this.#eye?.disconnect();
    this.#eye = null;
    this.#say.textContent = "";
  }

  say(text) {
    this.#say.textContent = text;
  }

  /** Draws with the next frame, however much changes until then. */
  draw() {
    if (this.#eye === null || this.#late !== null) return;
    this.#frame = requestAnimationFrame(() => this.#draw());
    this.#late = setTimeout(() => this.#draw(), FRAME_AT_LAST);
  }

  #rest() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#late);
    this.#late = null;
  }

  #tell() {
    this.#list.tell();
    this.#draw();
  }

  #draw() {
    this.#rest();
    const { items, unread } = this.#box;
    this.#list.draw(items, unread);
    this.#read.hidden = unread.size === 0;
    this.#ask.hidden = globalThis.Notification?.permission !== "default";
    this.#finish(items.length === 0);
    // Looks anew whether the end is in sight.
    this.#eye.disconnect();
    this.#eye.observe(this.#end);
  }

  #more() {
    if (this.#box.state !== "more" || this.#pages >= PAGES_AT_ONCE) return;
    this.#pages += 1;
    this.#box.older();
  }

  /** What stands below the last one. */
  #finish(isEmpty) {
    const state = isEmpty && this.#box.state === "end" ? "empty" : this.#box.state;
    const isIdle = state !== "more" || this.#pages >= PAGES_AT_ONCE;
    const shown = `${state} ${isIdle}`;
    if (this.#end.dataset.shown === shown) return;
    this.#end.dataset.shown = shown;
    this.#end.dataset.state = state;
    const again = (words) => {
      const made = button(words, "again");
      made.addEventListener("click", () => {
        this.#pages = 1;
        this.#scroll.focus();
        this.#box.older();
      });
      return made;
    };
    const words = (text) => element("p", {}, text);
    this.#end.replaceChildren(...{
      loading: () => [words("Loading…")],
      more: () => (isIdle ? [again("Load older")] : [words("Loading…")]),
      error: () => [words("The notifications could not be loaded."), again("Try again")],
      empty: () => [words("Nothing here yet."), words("What is sent to you appears here.")],
      end: () => [words("No older notifications.")],
    }[state]());
  }
}

function button(words, name) {
  return element("button", { type: "button", class: name, part: "button" }, words);
}
