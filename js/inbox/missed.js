// What came while nobody looked, as a dialog, for pages without an inbox.
import { drawing, element, styled } from "./element.js";
import { loadIcons } from "./icons.js";
import { List } from "./list.js";
import { kind, timeOf } from "./note.js";

/** `items` are `[{data, record}]`, oldest first: the data of notifications, and the records that they came in. */
export async function openMissed(items, { root }) {
  const host = element("div", { class: "tailcast-missed" });
  const list = new List(document.documentElement.lang || undefined);
  const close = element("button", { type: "button", part: "button", autofocus: "" }, "Close");
  const dialog = element("dialog", { class: "missed", part: "panel", "aria-labelledby": "title" },
    element("div", { class: "head" }, element("h2", { id: "title" }, "Notifications"), close),
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "title" }, list.element));

  loadIcons(root);
  list.draw(listed(items), new Set());
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => host.remove());
  document.body.append(host);
  await styled(host.attachShadow({ mode: "open" }), new URL("js/inbox/inbox.css", root).href, dialog);
  dialog.showModal();
}

/** Newest first, without those that show nothing; who has no time came when its newer neighbour did. */
function listed(items) {
  let at = Infinity;
  const shown = [];
  for (const { data, record } of [...items].reverse()) {
    if (kind({ cmd: "notify", data }).note === undefined) continue;
    const time = timeOf(record?.data?.time);
    at = Math.min(at, time ?? at);
    shown.push({ note: data, time, at });
  }
  return shown;
}
