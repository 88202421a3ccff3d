// What arrived, newest first.
import { element } from "./element.js";
import { gist } from "./gist.js";
import { echo } from "./lines.js";
import { showLine } from "./show-line.js";

const MOST_ENTRIES = 200;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** Shows a line to try while nothing has arrived. */
export function tryLine(cli, user) {
  const record = { cmd: "notify", data: { title: "Hello", text: "from a file", icon: "email", sound: "bell" } };
  showLine("try-line", echo(cli, user, record));
}

export function log(tailcast) {
  const entries = document.getElementById("entries");
  const empty = document.getElementById("log-empty");
  const clear = document.getElementById("log-clear");
  const count = document.getElementById("log-count");
  let arrived = 0;

  const show = () => {
    empty.hidden = entries.childElementCount > 0;
    entries.hidden = clear.hidden = !empty.hidden;
    count.textContent = arrived ? String(arrived) : "";
  };
  const add = (entry) => {
    entries.prepend(entry);
    while (entries.childElementCount > MOST_ENTRIES) entries.lastElementChild.remove();
    arrived += 1;
    show();
  };

  tailcast.on("record", (record) => add(line(gist(record), details(record))));
  tailcast.on("reset", (data) => add(line({ kind: "reset", name: "reset", gist: reason(data) }, JSON.stringify(data, null, 2))));
  clear.addEventListener("click", () => {
    entries.replaceChildren();
    arrived = 0;
    show();
  });
}

function line({ kind, name, gist }, text) {
  const summary = element(
    "summary",
    {},
    element("time", { dateTime: new Date().toISOString() }, CLOCK.format(new Date())),
    element("span", { className: "kind", dataset: { kind }, title: name }, name),
    element("bdi", { className: "gist" }, gist),
  );
  return element("li", {}, element("details", {}, summary, element("pre", { tabIndex: 0 }, text)));
}

function details({ data, text }) {
  return typeof data === "string" ? text : JSON.stringify(data, null, 2);
}

function reason(data) {
  return typeof data?.reason === "string" ? data.reason : "the stream began anew";
}
