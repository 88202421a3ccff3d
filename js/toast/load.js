// iziToast and the styles, loaded with the first toast.
const STYLES = ["js/vendor/izitoast/iziToast.min.css", "js/vendor/material-icons/material-icons.css", "js/toast/toast.css"];
const CODE = "js/vendor/izitoast/iziToast.min.js";
let loading = null;

/** All toasts wait for the same promise, which keeps them in order. */
export function load(root) {
  loading ??= Promise.all([window.iziToast ?? import(new URL(CODE, root).href), ...STYLES.map((path) => style(new URL(path, root).href))])
    .then(() => window.iziToast ?? Promise.reject(new Error(`${CODE} did not set window.iziToast`)))
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

/** iziToast if a toast asked for it before, else null. */
export function loaded() {
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
