// The event stream of the status, kept open for as long as the server lets this page in.
import { connection } from "../js/link/connection.js";
import { token } from "./token.js";

/** A sample comes each second; a connection that is silent for so many milliseconds is dead, whatever it says. */
const SILENCE = 10_000;

/** Reports `state(name)`, `event(name, data)`, and `refused(words, mode)` when coming in is of no use. */
export function stream(names, { state, event, refused }) {
  let link = null;
  let watchdog = null;
  let asking = false;
  let attempt = 0;

  function close() {
    clearTimeout(watchdog);
    const last = link;
    link = null;
    last?.close();
  }

  async function open() {
    close();
    attempt += 1;
    if (await isRefused()) return;
    const mine = connection(address(), {
      state: (name) => link === mine && entered(name),
      event: (name, text) => {
        if (link !== mine) return;
        watch();
        event(name, JSON.parse(text));
      },
    });
    link = mine;
    for (const name of names) link.listen(name);
  }

  /** An EventSource does not say why it failed: a token may have expired. */
  async function entered(name) {
    state(name);
    if (name !== "waiting" || asking) return;
    asking = true;
    await isRefused();
    asking = false;
  }

  /** An answer to an attempt that another has replaced, perhaps with another token, counts as a refusal that is not shown. */
  async function isRefused() {
    const mine = attempt;
    const answer = await refusal(address());
    if (mine !== attempt) return true;
    if (answer === null) return false;
    close();
    refused(answer.words, answer.mode);
    return true;
  }

  /** A laptop that slept, or a network that went, tells nobody. */
  function watch() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      state("waiting");
      open();
    }, SILENCE);
  }

  return { open };
}

function address() {
  const url = new URL("status/events", document.baseURI);
  if (token()) url.searchParams.set("token", token());
  return url.href;
}

/** The server's words and mode if it does not let this page in; null if it does, or does not answer. */
async function refusal(url) {
  try {
    const head = await fetch(url, { method: "HEAD" });
    if (head.ok || ![401, 403].includes(head.status)) return null;
    const answer = await fetch(url);
    const { error } = await answer.json();
    return { words: error, mode: await mode(head.status) };
  } catch {
    return null;
  }
}

/** Only a server without a secret tells everyone. */
async function mode(status) {
  if (status === 401) return "secured";
  const answer = await fetch("me");
  return answer.ok ? (await answer.json()).mode : "secured";
}
