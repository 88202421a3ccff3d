// The commands of toasts: to show one, to take them back, to show many as one.
import { identity } from "../identity.js";
import { burst, MOST_KEPT } from "./burst.js";
import { loaded } from "./load.js";
import { toast } from "./notify.js";
import { show } from "./show.js";
import { hide, isShown, withId } from "./shown.js";
import { speak } from "./speaker.js";

/** More that come at once cover what a person reads, and hold the page up: these are one toast, and the newest. */
const MOST_AT_ONCE = 20;
const NEWEST = 3;
/** The id of that toast: while it is there, it counts on. */
const BURST = "tailcast-many";
/** Milliseconds that the toast for many stays. */
const MANY_STAYS = 15_000;
/** `func` of others' notifications that is left out is told of so many times. */
const MOST_WARNINGS = 20;
const warned = new Set();
const waiting = burst(arrived);
let heap = [];
let desktops = null;

export async function notify(data, context) {
  const wanted = toast(data, document.baseURI, (button) => !button.func || context.allowFunc || refused(button));
  if (wanted.destroy) return takeBack();
  if (wanted.sound && !context.quiet) speak(wanted.sound, context, () => show(hint(), { ...context, record: null }));
  if (wanted.options) waiting.add(wanted.id, { data, context, wanted });
}

async function arrived(all) {
  if (all.length <= MOST_AT_ONCE) return Promise.all(all.map(present));
  // What is on the page is not left as it was.
  const seen = all.filter(({ wanted }, at) => at >= all.length - NEWEST || withId(wanted.id));
  heap = [...(withId(BURST) ? heap : []), ...all].slice(-MOST_KEPT);
  await many(heap, "notifications", BURST);
  await Promise.all(seen.map(present));
}

async function present({ wanted, context }) {
  const shown = await show(wanted, context);
  if (wanted.desktop && !context.quiet) await onDesktop(wanted, context, shown);
}

/** Takes back the toast that has this id. */
export async function dismiss(data) {
  const id = identity(data?.id ?? data);
  if (id !== null) await takeBack(id);
}

/** Shows many old notifications, `[{data, context}]`, as one toast that opens the list of them. */
export const missed = (kept) => many(kept, "missed", null);

async function many(kept, what, id) {
  const { data, context } = kept.at(-1);
  const items = kept.map(({ data, context }) => ({ data, record: context.record }));
  const newest = toast(data, document.baseURI);
  const wanted = {
    ...toast({ title: `${kept.length} ${what}`, text: newest.title || newest.text, icon: "notifications", time: MANY_STAYS, id }),
    buttons: [{ name: "Show", cover: true, act: () => openMissed(items, context) }],
  };
  // It stands for all of them, so it is nobody's record.
  await show(wanted, { ...context, record: null });
}

async function openMissed(items, { root }) {
  const event = new CustomEvent("tailcast-missed", { cancelable: true, detail: { items } });
  if (document.dispatchEvent(event)) (await import("../inbox/missed.js")).openMissed(items, { root });
}

function hint() {
  return toast({ icon: "volume_off", text: "Sounds are on after your first click or key press." });
}

async function takeBack(id = null) {
  waiting.drop(id);
  const iziToast = await loaded();
  if (id !== null) hide(withId(id), iziToast);
  // Those of the page itself, too: that is what iziToast's destroy() does, which makes the timers of young toasts throw.
  else for (const element of document.querySelectorAll(".iziToast:not(.iziToast-closing)")) iziToast?.hide({}, element, "destroy");
  (await desktops)?.dismissDesktop(id);
}

async function onDesktop(wanted, context, shown) {
  desktops ??= import("./desktop.js");
  await (await desktops).desktop(wanted, context, { wanted: () => isShown(shown), pressed: shown.close });
}

function refused({ name }) {
  if (!warned.has(name) && warned.size < MOST_WARNINGS) {
    warned.add(name);
    const mend = "give it url or cmd, or allow it by data-allow-func on the script";
    console.warn(`tailcast: the button ${JSON.stringify(name.slice(0, 80))} is left out, its func is no plain move: ${mend}`);
  }
  return false;
}
