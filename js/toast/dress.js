// Makes iziToast's element one for keyboards, screen readers and all scripts, and gives it its link.
import { enter } from "./focus.js";

/** Milliseconds after which the time of a toast runs: iziToast begins with it after 100. */
const BEGUN = 150;

/** `link` is `{url, press(event)}` or null; `close` closes the toast by hand. */
export function dress(element, { title, text }, settings, { iziToast, link, close }) {
  const name = [title, text].filter(Boolean).join("\n");
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", name || "Notification");
  region(element.closest(".iziToast-wrapper"));
  element.querySelector(".iziToast-close").setAttribute("aria-label", "Close");
  element.querySelector(".iziToast-icon")?.setAttribute("aria-hidden", "true");
  for (const part of element.querySelectorAll(".iziToast-title, .iziToast-message")) part.dir = "auto";
  element.parentNode.classList.add("tailcast-capsule");
  if (link) anchor(element, link);
  element.addEventListener("focusin", enter);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  if (settings.timeout) hold(element, settings.time, iziToast.progress(settings, element));
}

/** The title, or else the text, becomes a real link, so that it can be opened in a new tab; by style it covers the toast. */
function anchor(element, { url, press }) {
  const label = element.querySelector(".iziToast-title") ?? element.querySelector(".iziToast-message");
  const link = Object.assign(document.createElement("a"), { href: url, className: "tailcast-cover" });
  if (label) link.append(...label.childNodes);
  else link.setAttribute("aria-label", url);
  (label ?? element.querySelector(".iziToast-texts")).append(link);
  link.addEventListener("click", press);
}

/** Where the toasts of one corner are, for who goes from landmark to landmark. */
function region(wrapper) {
  const corner = /iziToast-wrapper-(\w+)/.exec(wrapper.className)[1].replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);
  wrapper.setAttribute("role", "region");
  wrapper.setAttribute("aria-label", `Notifications, ${corner}`);
}

/** A toast that is pointed at, or that has the focus, stays. */
function hold(element, time, progress) {
  let held = false;
  const update = (pointed, focused) => {
    if (held === (pointed || focused) || element.classList.contains("iziToast-closing")) return;
    held = !held;
    if (!held) return time.REMAINING !== undefined && progress.resume();
    progress.pause();
    // A toast's time begins late, and what has not begun cannot be paused.
    if (time.START === undefined) setTimeout(() => held && progress.pause(), BEGUN);
  };
  const focused = () => element.contains(document.activeElement);
  element.addEventListener("mouseenter", () => update(true, focused()));
  element.addEventListener("mouseleave", () => update(false, focused()));
  element.addEventListener("focusin", () => update(true, true));
  element.addEventListener("focusout", ({ relatedTarget }) => update(element.matches(":hover"), element.contains(relatedTarget)));
}
