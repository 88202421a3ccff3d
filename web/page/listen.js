// The names of events that this page listens for, kept for the next visit.
import { element, symbol } from "./element.js";

const KEY = "tailcast.page.listen";

export function listenForm(tailcast) {
  const form = document.getElementById("listen");
  const chips = document.getElementById("listening");
  const listening = new Map();

  const add = (name) => {
    if (listening.has(name)) return;
    listening.set(name, tailcast.on(`event:${name}`, () => {}));
    chips.append(chip(name));
    keep([...listening.keys()]);
  };
  const chip = (name) => {
    const remove = element("button", { type: "button", title: `Forget ${name}` }, symbol("close"));
    remove.setAttribute("aria-label", `Forget ${name}`);
    const made = element("li", {}, element("bdi", {}, name), remove);
    remove.addEventListener("click", () => {
      listening.get(name)();
      listening.delete(name);
      made.remove();
      keep([...listening.keys()]);
    });
    return made;
  };

  kept().forEach(add);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = form.elements.event.value.trim();
    if (name) add(name);
    form.reset();
  });
}

function kept() {
  try {
    const names = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(names) ? names.filter((name) => typeof name === "string" && name) : [];
  } catch {
    return [];
  }
}

function keep(names) {
  try {
    localStorage.setItem(KEY, JSON.stringify(names));
  } catch {
    // A browser may refuse to keep anything; the names then last as long as the page.
  }
}
