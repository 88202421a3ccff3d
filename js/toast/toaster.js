// The commands of toasts: to show one, to take them back, to show many as one.
import { loaded } from "./load.js";
import { identity } from "../identity.js";
import { toast } from "./notify.js";
import { show } from "./show.js";
import { hide, isShown, withId } from "./shown.js";
import { speak } from "./speaker.js";

/** Milliseconds that the toast for many old ones stays. */
const MISSED_STAYS = 15_000;
/** `func` of others' notifications that is left out is told of so many times. */
const MOST_WARNINGS = 20;
const warned = new Set();
let desktops = null;

export async function notify(data, context) {
  const wanted = toast(data, document.baseURI, (button) => !button.func || context.allowFunc || refused(button));
  if (wanted.destroy) return takeBack();
  if (wanted.sound && !context.quiet) speak(wanted.sound, context, () => show(hint(), { ...context, record: null }));
  if (!wanted.options) return;
  const shown = await show(wanted, context);
  if (wanted.desktop && !context.quiet) await onDesktop(wanted, context, shown);
}

/** Takes back the toast that has this id. */
export async function dismiss(data) {
  const id = identity(data?.id ?? data);
  if (id !== null) await takeBack(id);
}

/** Shows many old notifications, `[{data, context}]`, as one toast that opens the list of them. */
export async function missed(kept) {
  const { data, context } = kept.at(-1);
  const items = kept.map(({ data, context }) => ({ data, record: context.record }));
  const newest = toast(data, document.baseURI);
  const wanted = {
    ...toast({ title: `${kept.length} missed`, text: newest.title || newest.text, icon: "notifications", time: MISSED_STAYS }),
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
    const mend = "give it url or cmd; data-allow-func on the script element of tailcast runs such code on this page";
    console.warn(`tailcast: the button ${JSON.stringify(name.slice(0, 80))} is left out, because its func is not a plain change of the page: ${mend}`);
  }
  return false;
}
