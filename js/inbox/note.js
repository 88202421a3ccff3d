// A record → what the list shows of it. Pure.
import { imageAddress, linkAddress } from "../toast/address.js";
import { buttons } from "../toast/button.js";
import { colour } from "../toast/colour.js";
import { command, isObject } from "../record.js";

/** Characters; a record may hold a book, and a list is no place to read it. */
const LONGEST_TITLE = 200;
const LONGEST_TEXT = 1_000;
/** Characters, as for toasts. */
const LONGEST_ID = 128;
/** Unix seconds, in the year 2096: whatever is later is in other units, and near the ends of what a Date can hold there are no days. */
const LATEST = 4e9;
const LIGATURE = /^[a-z0-9_]{1,64}$/;

/** `{note: data, id}` for a notification to list, `{dismiss: id}` for one to take back, else `{}`; `data` as it was sent. */
export function kind(data) {
  const { cmd, data: sent } = command({ event: null, data }) ?? {};
  if (cmd === "dismiss") return { dismiss: identity(isObject(sent) ? own(sent, "id") : sent) };
  return cmd === "notify" && isNote(sent) ? { note: sent, id: identity(own(sent, "id")) } : {};
}

/** What is to be seen of a notification's data. */
export function look(data, base) {
  const field = (name) => own(data, name);
  return {
    title: shortened(text(field("title")), LONGEST_TITLE),
    text: shortened(typeof data === "string" ? data : text(field("text")), LONGEST_TEXT),
    icon: ligature(field("icon")),
    image: imageAddress(field("image"), base),
    url: linkAddress(field("url"), base),
    colour: colour(field("color")),
    // A command was meant for the page as it was then.
    buttons: buttons(field("button"), base).filter(({ url, how }) => url && !how),
  };
}

/** Unix seconds, or null. */
export function timeOf(value) {
  return Number.isFinite(value) && value >= 0 && value <= LATEST ? value : null;
}

function isNote(data) {
  if (own(data, "type") === "destroy") return false;
  return Boolean(typeof data === "string" ? data : text(own(data, "title")) || text(own(data, "text")));
}

function own(data, name) {
  return isObject(data) && Object.hasOwn(data, name) ? data[name] : undefined;
}

function identity(value) {
  const id = text(value);
  return id && id.length <= LONGEST_ID ? id : null;
}

function text(value) {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

function ligature(value) {
  const name = text(value).trim().toLowerCase().replaceAll(" ", "_");
  return LIGATURE.test(name) ? name : "";
}

function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most).trimEnd()}…` : text;
}
