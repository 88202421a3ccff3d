// When a sound is played: in one tab, not all at once, and not before the browser lets it.
import { play } from "./sound.js";

/** Milliseconds between two starts of one sound: closer ones are heard as one, only louder. */
const APART = 150;
/** Milliseconds after which a sound that was refused has nothing to do with what the person does. */
const FRESH = 30_000;
const GESTURES = ["pointerdown", "pointerup", "keydown"];
const HINTED = "tailcast-sound-hint";

const started = new Map();
let waiting = null;
/** Whether a try is on its way, and whether there was a gesture since it began. */
let trying = false;
let gestured = false;
let hinted = false;

/** Plays `sound` if this is the tab that is heard; `hint` is called once in a session, when sounds have to wait for a gesture. */
export async function speak(sound, { root, link, record }, hint) {
  if (!(await link.voice()) || tooSoon(sound.name, performance.now())) return;
  if ((await play(sound, root)) !== "refused") return;
  wait({ sound, root, until: performance.now() + FRESH });
  if (!record?.missed && firstHint()) hint();
}

function tooSoon(name, now) {
  const too = now - (started.get(name) ?? -Infinity) < APART;
  if (too) return true;
  // Names come from outside.
  for (const [other, at] of started) if (now - at >= APART) started.delete(other);
  started.set(name, now);
  return false;
}

/** Only the newest: after a quiet hour, one bell is enough. */
function wait(newest) {
  if (!waiting) for (const gesture of GESTURES) addEventListener(gesture, retry, true);
  waiting = newest;
}

async function retry() {
  gestured = true;
  // One click is two gestures.
  if (trying) return;
  trying = true;
  let tried, refused;
  do {
    gestured = false;
    tried = waiting;
    // Not every gesture counts: Escape does not, nor the first half of a tap.
    refused = performance.now() < tried.until && (await play(tried.sound, tried.root)) === "refused";
  } while (refused && gestured);
  trying = false;
  // A newer one came meanwhile.
  if (refused || waiting !== tried) return;
  for (const gesture of GESTURES) removeEventListener(gesture, retry, true);
  waiting = null;
}

function firstHint() {
  if (hinted) return false;
  hinted = true;
  try {
    if (sessionStorage.getItem(HINTED)) return false;
    sessionStorage.setItem(HINTED, "1");
  } catch {
    // A browser that keeps nothing for this site shows the hint once a page.
  }
  return true;
}
