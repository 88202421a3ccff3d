// A terminal line on the page.
import { element } from "./element.js";

export function showLine(id, text) {
  document.getElementById(id).replaceChildren(...words(text));
}

/** A flag in an own span is not broken after its hyphens; what is copied stays the same. */
export function words(text) {
  return text.split(/( --[a-z-]+)/).map((word) => (word.startsWith(" --") ? element("span", { className: "flag" }, word) : word));
}
