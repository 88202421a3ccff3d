// How to drive an example: lines for a terminal, and a button that does the same from here.
import { element } from "../page/element.js";
import { write } from "../page/server.js";
import { words } from "../page/show-line.js";
import { PAUSE } from "./drives.js";

const HINT = "Paste a line into a terminal of the server’s machine, or let this page post the same:";

export function drive({ hint = HINT, steps }, { user, cli }) {
  const title = element("h2", { id: "drive-title" }, "Drive it");
  const card = element("section", { className: "card drive" }, title, whose(user), element("p", { className: "hint" }, hint));
  card.setAttribute("aria-labelledby", "drive-title");
  card.append(...steps.flatMap((step, number) => shown(step, `line-${number}`, user ?? "all", cli)));
  return card;
}

/** Whose file it is, in words. */
function whose(user) {
  if (user !== null) return element("p", {}, "This browser is ", element("bdi", { className: "name" }, user), ", and these lines append to its file.");
  const name = element("a", { href: "../" }, "Give it a name");
  return element("p", {}, "This browser has no name, so these lines append to the file of everyone, ", element("code", {}, "all"), ". ", name, " to have a file of its own.");
}

function shown({ title, line, records }, id, user, cli) {
  const copy = element("button", { className: "copy", type: "button", ariaLabel: `Copy the line: ${title}`, dataset: { copy: id } });
  const outcome = element("span", { className: "outcome", role: "status" });
  const here = element("button", { className: "quiet", type: "button", ariaLabel: `Do it here: ${title}` }, "Do it here");
  here.addEventListener("click", () => post(user, records(user), here, outcome));
  return [
    element("h3", {}, title),
    element("div", { className: "line" }, element("pre", { id, tabIndex: 0 }, ...words(line(cli, user))), copy),
    element("p", { className: "here" }, here, outcome),
  ];
}

async function post(user, records, button, outcome) {
  button.disabled = true;
  outcome.textContent = "";
  try {
    for (const [number, record] of records.entries()) {
      if (number > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE));
      await write(user, record);
    }
    outcome.dataset.kind = "good";
    outcome.textContent = "Appended";
  } catch (error) {
    outcome.dataset.kind = "bad";
    outcome.textContent = `Not sent: ${error.message}`;
  }
  button.disabled = false;
}
