// The form that composes a notification, and the lines that do the same.
import { check, compose } from "./compose.js";
import { swatches } from "./colours.js";
import { desktopBox } from "./desktop-box.js";
import { iconPicker } from "./icon-picker.js";
import { lines } from "./lines.js";
import { outcome } from "./outcome.js";
import { writerAddress } from "./server.js";
import { showLine } from "./show-line.js";
import { sounds } from "./sounds.js";

export function composer({ tailcast, user, cli }) {
  const form = document.getElementById("composer");
  const send = outcome(tailcast, user);
  swatches(form);
  iconPicker(form);
  sounds(form);
  desktopBox(form.elements.desktop, tailcast);

  const current = () => {
    const values = Object.fromEntries(new FormData(form));
    return { values, user: addressee(values, user), record: compose(values) };
  };
  const show = () => {
    const { values, user, record } = current();
    form.elements.other.hidden = values.to !== "other";
    form.elements.other.required = values.to === "other";
    showLines(lines({ cli, writer: writerAddress(), user, record }));
  };

  form.addEventListener("input", show);
  form.elements.to.forEach((radio) => radio.addEventListener("change", () => focusOther(form)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { user, record } = current();
    send(user, record);
  });
  document.getElementById("check").addEventListener("click", () => send(user, check(user)));
  show();
}

function addressee({ to, other }, user) {
  if (to === "me") return user;
  return to === "all" ? "all" : other || "name";
}

function focusOther(form) {
  if (form.elements.to.value === "other") form.elements.other.focus();
}

function showLines(shown) {
  for (const [name, text] of Object.entries(shown)) showLine(`line-${name}`, text);
}
