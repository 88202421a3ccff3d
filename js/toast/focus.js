// Where the keyboard is before, in and after a toast. A toast never takes the focus by itself.
let before = null;

/** Remembers where the focus came from. */
export function enter({ relatedTarget }) {
  if (!relatedTarget?.closest(".iziToast")) before = relatedTarget;
}

/** `element` goes: a keyboard goes on at the `next` toast, or where it was before; a mouse leaves the focus where it was before. */
export function giveBack(element, next) {
  const active = document.activeElement;
  if (!element.contains(active)) return;
  const keyboard = active.matches(":focus-visible");
  const target = (keyboard && next?.querySelector(".iziToast-close")) || (before?.isConnected ? before : null);
  if (target) target.focus({ preventScroll: true });
  else active.blur();
}
