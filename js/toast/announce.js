// What screen readers say. They notice text that is put into a region which was there before, so toasts themselves say nothing.

/** Milliseconds that a line stays: enough to be noticed, and gone before someone reads there. */
const STAYS = 3_000;
/** Lines at a time; in a flood the oldest are left out. */
const MOST = 20;
const regions = new Map();

/** Makes the regions, some time before the first text. */
export function prepare() {
  for (const role of ["status", "alert"]) {
    if (regions.get(role)?.isConnected) continue;
    const region = Object.assign(document.createElement("div"), { className: "tailcast-live" });
    region.setAttribute("role", role);
    // Only what is new, not all again.
    region.setAttribute("aria-atomic", "false");
    regions.set(role, region);
    document.body.append(region);
  }
}

export function announce(text, urgent) {
  if (!text) return;
  prepare();
  const region = regions.get(urgent ? "alert" : "status");
  const line = Object.assign(document.createElement("p"), { textContent: text, dir: "auto" });
  if (region.childElementCount >= MOST) region.firstChild.remove();
  region.append(line);
  setTimeout(() => line.remove(), STAYS);
}
