// Buttons that copy what stands in another element: <button class="copy" data-copy="ID">.
import { symbol } from "./element.js";

/** How long the tick is shown, in milliseconds. */
const TICK = 1_600;

export function copyButtons() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.replaceChildren(symbol("content_copy"));
    button.title = "Copy";
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const done = (await toClipboard(source.textContent)) || bySelection(source);
  document.getElementById("copied").textContent = done ? "Copied" : "Select the text to copy it";
  if (!done) return;
  button.replaceChildren(symbol("check"));
  button.classList.add("done");
  setTimeout(() => {
    button.replaceChildren(symbol("content_copy"));
    button.classList.remove("done");
    document.getElementById("copied").textContent = "";
  }, TICK);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Plain http on another host than localhost has no navigator.clipboard. */
function bySelection(source) {
  getSelection().selectAllChildren(source);
  return document.execCommand("copy");
}
