// The commands that every page has. Toasts are loaded when the first one arrives.
import { reloader } from "./reload.js";

let toaster = null;

export function builtIn(root) {
  const notify = async (data, run) => (await loaded()).notify(data, { root, run });
  return new Map([
    ["notify", notify],
    ["reload", reloader()],
  ]);
}

/** One promise for all: imports begun at the same time may end in any order, and toasts would with them. */
function loaded() {
  toaster ??= import("./toaster.js").catch((error) => {
    toaster = null;
    throw error;
  });
  return toaster;
}
