// Sends a record and says what became of it, down to its arrival in this page.
import { write } from "./server.js";

export function outcome(tailcast, me) {
  const place = document.getElementById("outcome");
  let waiting = null;

  const say = (text, kind = "") => {
    place.textContent = text;
    place.dataset.kind = kind;
  };

  tailcast.on("record", ({ data }) => {
    if (waiting === null || JSON.stringify(data?.data) !== waiting.data) return;
    say(`Back here after ${took(performance.now() - waiting.since)}`, "good");
    waiting = null;
  });

  return async function send(user, record) {
    const comesBack = user === me || user === "all";
    waiting = comesBack ? { data: JSON.stringify(record.data), since: performance.now() } : null;
    say("Sending…");
    try {
      await write(user, record);
      if (!comesBack) say(`Sent to ${user}`, "good");
      else if (waiting !== null) say("Sent");
    } catch (error) {
      waiting = null;
      say(`Not sent: ${error.message}`, "bad");
    }
  };
}

function took(milliseconds) {
  return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
