// The files of an example as they are served.
import { element } from "../page/element.js";

export async function source(names) {
  const card = element("section", { className: "card source" }, element("h2", { id: "source-title" }, "Source"));
  card.setAttribute("aria-labelledby", "source-title");
  const texts = await Promise.all(names.map(text));
  names.forEach((name, number) => card.append(...shown(name, texts[number], `source-${number}`)));
  return card;
}

async function text(name) {
  const answer = await fetch(name);
  return answer.ok ? answer.text() : `${name} cannot be read: status ${answer.status}`;
}

function shown(name, text, id) {
  const copy = element("button", { className: "copy", type: "button", ariaLabel: `Copy ${name}`, dataset: { copy: id } });
  return [element("h3", {}, name), element("div", { className: "line" }, element("pre", { id, tabIndex: 0 }, text), copy)];
}
