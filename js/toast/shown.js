// The toasts on this page: which ones they are, and how they go.
import { giveBack } from "./focus.js";

/** More fit on no screen; the oldest goes at once: transitions end only when a page has time, and in a burst it has none. */
const MOST = 50;
/** Records whose toast was closed in another tab, perhaps before it is here. */
const MOST_CLOSED = 100;
const toasts = new Set();
const closed = new Set();
const links = new WeakSet();

/** Each is `{element, id, record, link}`, oldest first. */
export function add(toast, iziToast) {
  toasts.add(toast);
  if (toasts.size > MOST) drop(toasts.values().next().value, iziToast);
}

function drop(toast, iziToast) {
  // The newest cannot have the focus yet.
  gone(toast, "tailcast", 0);
  toast.element.parentNode.remove();
  // iziToast's timers go on with it, though it is no longer on the page.
  iziToast.hide({}, toast.element, "tailcast");
}

export function withId(id) {
  return id === null ? undefined : [...toasts].find((toast) => toast.id === id);
}

export function isShown(toast) {
  return toasts.has(toast);
}

/** Nothing happens to one that goes already. */
export function hide(toast, iziToast, by = "tailcast") {
  if (toasts.has(toast)) iziToast.hide({}, toast.element, by);
}

/** iziToast says that a toast goes, for whatever reason. By hand is for all tabs. A keyboard goes on at the `next` of the others. */
export function gone(toast, by, next = -1) {
  if (!toasts.delete(toast)) return;
  giveBack(toast.element, [...toasts].at(next)?.element);
  if (["button", "hand"].includes(by) && toast.record) toast.link.tell({ toast: "closed", record: toast.record });
}

/** Whether another tab closed it already. */
export function wasClosed(record) {
  return record !== null && closed.has(record);
}

/** Closes here what other tabs close. */
export function hear(link, loaded) {
  if (links.has(link)) return;
  links.add(link);
  link.told(async (message) => {
    if (message?.toast !== "closed" || typeof message.record !== "string") return;
    closed.add(message.record);
    if (closed.size > MOST_CLOSED) closed.delete(closed.values().next().value);
    const iziToast = await loaded();
    if (iziToast) for (const toast of toasts) if (toast.record === message.record) hide(toast, iziToast);
  });
}
