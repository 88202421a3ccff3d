// A panel that opens beside its button and closes by Escape or a press elsewhere: a popover, as browsers have them since 2024.

/** CSS pixels between panel, button and the window's edges. */
const GAP = 8;
/** Less height than this is not worth opening downwards, in CSS pixels. */
const LEAST = 280;

/** `{isOpen(), turn(open), close()}`; `turned(open)` is called when it opened or closed. */
export function popup(button, panel, turned) {
  let isOpen = false;
  const place = () => beside(button.getBoundingClientRect(), panel);

  function enter(open) {
    if (open === isOpen) return;
    isOpen = open;
    button.setAttribute("aria-expanded", String(open));
    const method = open ? "addEventListener" : "removeEventListener";
    for (const name of ["resize", "scroll"]) window[method](name, place, { passive: true, capture: true });
    turned(open);
  }

  function turn(open) {
    if (open === isOpen) return;
    if (open) panel.showPopover();
    else panel.hidePopover();
  }

  panel.popover = "auto";
  button.popoverTargetElement = panel;
  let hadFocus = false;
  panel.addEventListener("beforetoggle", ({ newState }) => {
    hadFocus = newState === "closed" && panel.contains(panel.getRootNode().activeElement);
    if (newState === "open") place();
  });
  panel.addEventListener("toggle", ({ newState }) => {
    enter(newState === "open");
    // Browsers give it back to the button, but not where both are in a shadow tree.
    if (hadFocus) button.focus();
  });

  function close() {
    turn(false);
    // A popover that leaves the document says nothing.
    enter(false);
  }

  return { turn, close, isOpen: () => isOpen };
}

/** Below the button or above it, wherever there is room, its end at the button's end. */
function beside(at, panel) {
  const { innerHeight } = window;
  const { clientWidth } = document.documentElement;
  const isRtl = getComputedStyle(panel).direction === "rtl";
  const below = innerHeight - at.bottom;
  const isBelow = below >= LEAST || below >= at.top;
  const end = isRtl ? at.left : clientWidth - at.right;
  const set = (name, value) => panel.style.setProperty(name, `${Math.round(value)}px`);
  set("--end", end);
  set("--room", (isBelow ? below : at.top) - 2 * GAP);
  set("--edge", (isBelow ? at.bottom : innerHeight - at.top) + GAP);
  panel.toggleAttribute("data-above", !isBelow);
}
