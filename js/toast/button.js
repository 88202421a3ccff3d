// Buttons of a toast: {name, url} goes somewhere, {name, cmd, data} runs a command here, {name, func} is the old way to go somewhere.
import { linkAddress } from "./address.js";
import { escape } from "./escape.js";
import { move } from "./func.js";
import { isObject } from "../record.js";

/** More than this does not fit on a toast. */
const MOST = 5;

/** The usable ones out of a button or a list of them; `func` that is no plain move is `{name, func}`. */
export function buttons(value, base) {
  return [value].flat().map((given) => button(given, base)).filter(Boolean).slice(0, MOST);
}

function button(given, base) {
  if (!isObject(given)) return null;
  const own = (name) => (Object.hasOwn(given, name) ? given[name] : undefined);
  const name = ["string", "number"].includes(typeof own("name")) ? String(given.name).trim() : "";
  if (!name) return null;
  const url = linkAddress(own("url"), base);
  if (url) return { name, url };
  const [cmd, func] = [own("cmd"), own("func")];
  if (typeof cmd === "string" && cmd) return { name, cmd, data: own("data") };
  if (typeof func !== "string" || !func.trim()) return null;
  const { how, ...where } = move(func, base) ?? { func };
  return how === "assign" || !how ? { name, ...where } : { name, how, ...where };
}

/** The markup that iziToast asks for. */
export function markup({ name, url }) {
  return url ? `<a href="${escape(url)}">${escape(name)}</a>` : `<button type="button">${escape(name)}</button>`;
}

/** What a click does; `run` is the client's way to run a command. */
export function press(button, event, run) {
  const { url, how, cmd, data, func, act } = button;
  if (act) act();
  else if (cmd) run(cmd, data);
  else if (func) import("./allowed-func.js").then(({ runFunc }) => runFunc(button));
  else if (how === "reload") location.reload();
  else if (how === "back") history.back();
  else if (how === "open" || event.ctrlKey || event.metaKey || event.shiftKey) window.open(url, "_blank", "noopener");
  else if (how === "replace") location.replace(url);
  else location.assign(url);
}
