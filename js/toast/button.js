// Buttons of a toast: {name, url} goes somewhere, {name, cmd, data} runs a command here.
import { linkAddress } from "./address.js";
import { escape } from "./escape.js";
import { isObject } from "../record.js";

/** More than this does not fit on a toast. */
const MOST = 5;

/** The usable ones out of a button or a list of them. */
export function buttons(value, base) {
  return [value].flat().map((given) => button(given, base)).filter(Boolean).slice(0, MOST);
}

function button(given, base) {
  if (!isObject(given) || !Object.hasOwn(given, "name")) return null;
  const name = ["string", "number"].includes(typeof given.name) ? String(given.name).trim() : "";
  if (!name) return null;
  const url = Object.hasOwn(given, "url") ? linkAddress(given.url, base) : null;
  if (url) return { name, url };
  if (Object.hasOwn(given, "cmd") && typeof given.cmd === "string" && given.cmd) {
    return { name, cmd: given.cmd, data: Object.hasOwn(given, "data") ? given.data : undefined };
  }
  return null;
}

/** The markup that iziToast asks for. */
export function markup({ name, url }) {
  return url ? `<a href="${escape(url)}">${escape(name)}</a>` : `<button type="button">${escape(name)}</button>`;
}

/** What a click does; `run` is the client's way to run a command. */
export function press({ url, cmd, data }, event, run) {
  if (cmd) return run(cmd, data);
  if (event.ctrlKey || event.metaKey || event.shiftKey) window.open(url, "_blank", "noopener");
  else location.assign(url);
}
