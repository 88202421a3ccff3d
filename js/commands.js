// What to do with a command: a handler given to tailcast.on, else the page's ssex(data), else what is built in.
import { guarded } from "./topics.js";

const PLAIN_NAME = /^[A-Za-z0-9_]+$/;
/** A page warned of this many unknown names has bugs enough to read. */
const MOST_WARNINGS = 100;

export function commander({ topics, builtIn, page = globalThis, warn = console.warn }) {
  const warned = new Set();

  function run(cmd, data, record = null) {
    if (topics.emit(`cmd:${cmd}`, data, record)) return;
    const fn = pageFunction(page, cmd) ?? builtIn.get(cmd);
    if (fn) guarded(fn, data, run, record);
    else unknown(cmd);
  }

  function unknown(cmd) {
    const name = cmd.slice(0, 80);
    if (warned.has(name) || warned.size >= MOST_WARNINGS) return;
    warned.add(name);
    const quoted = JSON.stringify(name);
    const or = PLAIN_NAME.test(cmd) ? ` or a global function sse${name}(data) {…}` : "";
    warn(`tailcast: nothing handles the command ${quoted}; add tailcast.on(${quoted}, (data) => {…})${or}`);
  }

  return run;
}

function pageFunction(page, cmd) {
  if (!PLAIN_NAME.test(cmd)) return null;
  const name = `sse${cmd}`;
  return Object.hasOwn(page, name) && typeof page[name] === "function" ? page[name] : null;
}
