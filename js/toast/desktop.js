// Notifications of the system, for who looks at another window.

/** More are not taken back one by one; the system itself keeps few. */
const MOST = 50;
const open = new Map();

/** Shows it if nobody sees this page, in one tab of the browser. `toast` is what notify.js made; `wanted()` is false once it was taken back. */
export async function desktop({ title, text, options, id, sound, url }, { link, record }, { wanted, pressed }) {
  if (!document.hidden || globalThis.Notification?.permission !== "granted" || !(await link.voice()) || !wanted()) return;
  const tag = id ?? record?.id ?? "";
  const [head, body] = title ? [title, text] : [text || document.title, ""];
  let shown;
  try {
    shown = new Notification(head, { body, silent: !sound, ...(tag && { tag }), ...(options?.image && { icon: options.image }) });
  } catch {
    return; // Chrome for Android has them for service workers only.
  }
  if (tag) keep(tag, shown);
  shown.onclick = () => {
    window.focus();
    shown.close();
    pressed();
    if (url) location.assign(url);
  };
}

/** Takes back the one with this id, or all. */
export function dismissDesktop(id = null) {
  for (const [tag, shown] of open) {
    if (id !== null && tag !== id) continue;
    shown.close();
    open.delete(tag);
  }
}

function keep(tag, shown) {
  open.delete(tag);
  open.set(tag, shown);
  if (open.size > MOST) open.delete(open.keys().next().value);
  shown.onclose = () => open.get(tag) === shown && open.delete(tag);
}
