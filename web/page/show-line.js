// A terminal line on the page.
import { element } from "./element.js";

/** A flag in an own span is not broken after its hyphens; what is copied stays the same. */
export function showLine(id, text) {
  const words = text.split(/( --[a-z-]+)/).map((word) => (word.startsWith(" --") ? element("span", { className: "flag" }, word) : word));
  document.getElementById(id).replaceChildren(...words);
}
