// One toast: from its data to iziToast's element on the page.
import { announce, prepare } from "./announce.js";
import { markup, press } from "./button.js";
import { needsLightText } from "./colour.js";
import { dress } from "./dress.js";
import { load, loaded } from "./load.js";
import { add, gone, hear, hide, wasClosed, withId } from "./shown.js";

let count = 0;

/** Shows what notify.js made of the data; resolves to the toast, which `close()` closes as a person does. */
export async function show({ options, title, text, buttons, id = null, url }, { root, run, record, link }) {
  prepare();
  hear(link, loaded);
  const iziToast = await load(root);
  const own = { element: null, id, record: record?.id || null, link };
  own.close = () => hide(own, iziToast, "hand");
  if (wasClosed(own.record)) return own;
  const old = withId(id);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const rtl = getComputedStyle(document.body).direction === "rtl";

  iziToast.show({
    ...(rtl && { position: "bottomLeft" }),
    ...options,
    ...((still || old) && { animateInside: false, transitionIn: "", transitionInMobile: "" }),
    ...(still && { transitionOut: "", transitionOutMobile: "", progressBar: false }),
    rtl,
    // Own ids: iziToast's come from the text, and fail on half a surrogate pair.
    id: `tailcast-${++count}`,
    class: options.backgroundColor ? "tailcast tailcast-own" : "tailcast",
    theme: needsLightText(options.backgroundColor) ? "dark" : "light",
    // iziToast's drag takes over document.onmousemove and makes text unselectable.
    drag: false,
    // dress.js does, for the keyboard too.
    pauseOnHover: false,
    buttons: buttons.map((button) => [
      markup(button),
      (_instance, _element, _button, event) => {
        press(button, event, run);
        own.close();
      },
    ]),
    onOpening: (settings, element) => {
      own.element = element;
      if (buttons.some(({ cover }) => cover)) element.querySelector(".iziToast-buttons > *").classList.add("tailcast-cover");
      const follow = url && { url, press: (event) => plain(event) && own.close() };
      dress(element, { title, text }, settings, { iziToast, link: follow, close: own.close });
    },
    onClosing: (_settings, _element, by) => gone(own, by),
  });
  if (old) replace(old, own, iziToast);
  add(own, iziToast);
  announce([title, text].filter(Boolean).join("\n"), options.color === "red");
  return own;
}

/** The new one stands where the old one stood, without any movement. */
function replace(old, own, iziToast) {
  const [from, to] = [old.element.parentNode, own.element.parentNode];
  const focused = old.element.contains(document.activeElement);
  to.style.height = "auto";
  to.style.visibility = "";
  if (from.parentNode === to.parentNode) from.replaceWith(to);
  else from.remove();
  if (focused) own.element.querySelector(".iziToast-close").focus({ preventScroll: true });
  // iziToast's timers go on with the old one, though it is no longer on the page.
  hide(old, iziToast);
}

/** A click that goes away in this very tab. */
function plain({ button, ctrlKey, metaKey, shiftKey, altKey }) {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey;
}
