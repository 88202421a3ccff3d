// <tailcast-inbox>: a bell with the number of unread notifications, and a panel with the history.
import { Box } from "./box.js";
import { whenClient } from "./client.js";
import { drawing, element, styled } from "./element.js";
import { loadIcons } from "./icons.js";
import { look } from "./note.js";
import { Panel } from "./panel.js";
import { popup } from "./popup.js";

const BELL = "M12 22a2.2 2.2 0 0 0 2.2-2.2H9.8A2.2 2.2 0 0 0 12 22m6.5-6.3v-5.4c0-3.2-1.7-5.9-4.8-6.6v-.6a1.7 1.7 0 0 0-3.4 0v.6c-3.1.7-4.8 3.4-4.8 6.6v5.4l-2 2v.9h17v-.9zm-2 1.1h-9v-6.5c0-2.7 1.6-4.9 4.5-4.9s4.5 2.2 4.5 4.9z";
/** Larger numbers are no news. */
const MOST_SHOWN = 99;

export class Inbox extends HTMLElement {
  /** Where its sheet is. */
  static style = "";
  #client = null;
  #box = null;
  #panel = null;
  #popup = null;
  #count = element("span", { class: "count", part: "count", "aria-hidden": "true", hidden: "" });
  #bell = element("button", { type: "button", class: "bell", part: "bell", "aria-haspopup": "dialog", "aria-expanded": "false" }, drawing(BELL), this.#count);
  #stops = [];

  /** The client to listen to; the page's own unless another is set. */
  get client() {
    return this.#client;
  }

  set client(client) {
    this.#client = client;
    if (this.isConnected) this.#follow(client);
  }

  /** How many notifications are unread. */
  get unread() {
    return this.#box?.unread.size ?? 0;
  }

  connectedCallback() {
    if (!this.shadowRoot) this.#build();
    const missed = (event) => {
      event.preventDefault();
      this.open();
    };
    // A page that is left while the panel is open has shown it.
    const leave = () => this.#popup.isOpen() && this.#box?.read();
    document.addEventListener("tailcast-missed", missed);
    addEventListener("pagehide", leave);
    this.#stops = [
      () => document.removeEventListener("tailcast-missed", missed),
      () => removeEventListener("pagehide", leave),
      this.#client ? () => {} : whenClient((client) => (this.client = client)),
    ];
    if (this.#client) this.#follow(this.#client);
  }

  disconnectedCallback() {
    for (const stop of this.#stops) stop();
    this.#popup.close();
    this.#box?.close();
    this.#box = null;
  }

  open() {
    this.#popup.turn(true);
  }

  close() {
    this.#popup.turn(false);
  }

  #build() {
    const lang = this.closest("[lang]")?.lang || undefined;
    this.#panel = new Panel({ lang, close: () => this.close() });
    styled(this.attachShadow({ mode: "open" }), Inbox.style, this.#bell, this.#panel.element);
    this.#popup = popup(this.#bell, this.#panel.element, (isOpen) => this.#turned(isOpen));
    this.#label();
  }

  #follow(client) {
    this.#box?.close();
    this.#box = null;
    if (client) this.#box = new Box(client, { changed: () => this.#draw(), arrived: (item) => this.#arrived(item) });
    if (this.#popup.isOpen()) this.#turned(true);
  }

  /** What was seen has been read when the panel closes: until then its dots tell what is new. */
  #turned(isOpen) {
    if (isOpen && this.#box) {
      loadIcons(this.#client.root);
      this.#panel.open(this.#box);
    } else {
      this.#panel.close();
      if (this.#box?.state !== "loading") this.#box?.read();
    }
  }

  #draw() {
    this.#panel.draw();
    this.#label();
  }

  #label() {
    const unread = this.unread;
    const shown = unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread);
    const label = unread ? `Notifications, ${shown} unread` : "Notifications";
    if (this.#bell.getAttribute("aria-label") === label) return;
    this.#bell.setAttribute("aria-label", label);
    this.#count.textContent = shown;
    this.#count.hidden = unread === 0;
    // For a page that wants the number in its title.
    this.dispatchEvent(new CustomEvent("tailcast-unread", { detail: unread }));
  }

  #arrived({ note }) {
    if (!this.#popup.isOpen()) return;
    const { title, text } = look(note, document.baseURI);
    this.#panel.say(`New: ${title || text}`);
  }
}
