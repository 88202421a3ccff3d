// Whether what is shown is of now. What is old says how old.
import { clock, duration } from "./format.js";

const WORDS = new Map([
  ["connecting", "Connecting…"],
  ["open", "Live"],
  ["waiting", "Reconnecting…"],
]);

export function health() {
  const badge = document.getElementById("badge");
  const lost = document.getElementById("lost");
  let since = null;
  let newest = null;
  let timer = null;

  function state(name) {
    if (name === "closed") return;
    document.body.dataset.link = name;
    badge.dataset.state = name;
    badge.textContent = WORDS.get(name) ?? name;
    if (name === "open") {
      since = null;
      clearInterval(timer);
      lost.hidden = true;
    } else if (name === "waiting" && since === null) {
      since = Date.now() / 1000;
      timer = setInterval(tick, 1_000);
      told("lost-since", since);
      document.getElementById("lost-numbers").hidden = newest === null;
      if (newest !== null) told("lost-at", newest);
      tick();
      lost.hidden = false;
    }
  }

  function tick() {
    document.getElementById("lost-for").textContent = ` (${duration(Math.floor(Date.now() / 1000 - since))})`;
  }

  return { state, draw: (past) => (newest = past.last("at")) };
}

function told(id, at) {
  const time = document.getElementById(id);
  time.dateTime = new Date(at * 1000).toISOString();
  time.textContent = clock(at);
}
