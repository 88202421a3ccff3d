// Shows toasts by iziToast, which is loaded with the first of them.
import { markup, press } from "./button.js";
import { isDark } from "./colour.js";
import { toast } from "./notify.js";
import { play } from "./sound.js";

const STYLES = ["js/vendor/izitoast/iziToast.min.css", "js/vendor/material-icons/material-icons.css", "js/toast/toast.css"];
const CODE = "js/vendor/izitoast/iziToast.min.js";
let loading = null;
let count = 0;

export async function notify(data, { root, run, quiet }) {
  const { destroy, options, buttons, sound } = toast(data, document.baseURI);
  if (sound && !quiet) play(sound, root);
  if (destroy) return loading && hideAll(await loading);
  if (options) show(await load(root), options, buttons, run);
}

/** Takes back toasts that have this id. */
export async function dismiss(_data, _context) {}

/** Shows many old notifications, `[{data, context}]`, as one toast that opens the list of them. */
export async function missed(kept) {
  for (const { data, context } of kept) await notify(data, { ...context, quiet: true });
}

function show(iziToast, options, buttons, run) {
  iziToast.show({
    ...options,
    ...motion(),
    // Own ids: iziToast's come from the text, and fail on half a surrogate pair.
    id: `tailcast-${++count}`,
    class: "tailcast",
    theme: needsLightText(options.backgroundColor) ? "dark" : "light",
    // iziToast's drag takes over document.onmousemove and makes text unselectable.
    drag: false,
    buttons: buttons.map((button) => [
      markup(button),
      (instance, element, _button, event) => {
        press(button, event, run);
        instance.hide({}, element, "button");
      },
    ]),
    onOpening: (settings, element) => accessible(iziToast, settings, element),
  });
}

/** iziToast.destroy() makes the timers of toasts younger than 100 ms throw; hiding each does not. */
function hideAll(iziToast) {
  for (const element of document.querySelectorAll(".iziToast:not(.iziToast-closing)")) iziToast.hide({}, element, "destroy");
}

function accessible(iziToast, settings, element) {
  element.setAttribute("role", settings.color === "red" ? "alert" : "status");
  element.querySelector(".iziToast-close")?.setAttribute("aria-label", "Close");
  element.querySelector(".iziToast-icon")?.setAttribute("aria-hidden", "true");
  for (const text of element.querySelectorAll(".iziToast-title, .iziToast-message")) text.dir = "auto";
  if (!settings.timeout) return;
  element.addEventListener("focusin", () => iziToast.progress(settings, element).pause());
  element.addEventListener("focusout", () => iziToast.progress(settings, element).resume());
}

function motion() {
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) return {};
  return { animateInside: false, transitionIn: "", transitionInMobile: "", transitionOut: "", transitionOutMobile: "" };
}

function needsLightText(css) {
  if (!css) return false;
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, 1, 1);
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  return isDark(...pen.getImageData(0, 0, 1, 1).data);
}

/** All toasts wait for the same promise, which keeps them in order. */
function load(root) {
  loading ??= Promise.all([window.iziToast ?? import(new URL(CODE, root).href), ...STYLES.map((path) => style(new URL(path, root).href))])
    .then(() => window.iziToast ?? Promise.reject(new Error(`${CODE} did not set window.iziToast`)))
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

function style(href) {
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return null;
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.onload = resolve;
    link.onerror = () => reject(new Error(`cannot load ${href}`));
    document.head.append(link);
  });
}
