// Whether the page is live: import "…/js/badge.js", then <tailcast-badge></tailcast-badge>.
import { whenClient } from "./inbox/client.js";
import { element, styled } from "./inbox/element.js";

const WORDS = new Map([
  ["connecting", "Connecting…"],
  ["open", "Live"],
  ["waiting", "Reconnecting…"],
  ["unauthorized", "Signed out"],
  ["closed", "Closed"],
]);
const STYLE = new URL("badge.css", import.meta.url).href;

/** `label-open="Direkt"` and its like change the words; with `compact` they are seen only when one points at the dot. */
class Badge extends HTMLElement {
  static observedAttributes = ["compact", ...[...WORDS.keys()].map((state) => `label-${state}`)];
  #client = null;
  #words = element("span", { class: "words" });
  #stop = () => {};

  get client() {
    return this.#client;
  }

  /** The client whose state is shown; the page's own unless another is set. */
  set client(client) {
    this.#stop();
    this.#client = client;
    this.#stop = client?.on("state", () => this.#show()) ?? (() => {});
    this.#show();
  }

  connectedCallback() {
    if (!this.shadowRoot) {
      const badge = element("span", { class: "badge", part: "badge", role: "status" }, element("span", { class: "dot", part: "dot" }), this.#words);
      styled(this.attachShadow({ mode: "open" }), STYLE, badge);
    }
    if (this.#client) this.client = this.#client;
    else this.#stop = whenClient((client) => (this.client = client));
    this.#show();
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback() {
    this.#show();
  }

  #show() {
    const state = this.#client?.state ?? "connecting";
    const words = this.getAttribute(`label-${state}`) ?? WORDS.get(state) ?? state;
    // For styles of the page.
    this.dataset.state = state;
    this.#words.textContent = words;
    const isCompact = this.hasAttribute("compact");
    this.title = isCompact ? words : "";
  }
}

if (!customElements.get("tailcast-badge")) customElements.define("tailcast-badge", Badge);
