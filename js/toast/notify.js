// The data of a notify command → what iziToast is to show. Pure: no page needed.
import { imageAddress, linkAddress } from "./address.js";
import { buttons } from "./button.js";
import { colour } from "./colour.js";
import { escape } from "./escape.js";
import { identity } from "../identity.js";
import { isObject } from "../record.js";
import { sound } from "./sound.js";

/** Milliseconds that a toast stays when it does not say. */
const STAYS = 5_000;
/** A longer timer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
const LIGATURE = /^[a-z0-9_]{1,64}$/;
const POSITIONS = new Set(["bottomRight", "bottomLeft", "bottomCenter", "topRight", "topLeft", "topCenter", "center"]);

/** `{destroy}`, or what there is to show, to press and to hear; `options` is null where there is nothing to see. Buttons that are not `usable` are left out. */
export function toast(data, base, usable = () => true) {
  const given = fields(data);
  if (given.get("type") === "destroy") return { destroy: true };

  const title = text(given.get("title"));
  const message = text(given.get("text"));
  const icon = ligature(given.get("icon"));
  const image = imageAddress(given.get("image"), base) ?? "";
  const choices = buttons(given.get("button"), base).filter(usable);
  const seen = title || message || icon || image || choices.length > 0;
  const more = { ...tint(given.get("color")), ...stay(given.get("time")), ...place(given.get("position")) };

  return {
    options: seen ? { ...look(title, message, icon, image), ...more } : null,
    title,
    text: message,
    buttons: choices,
    sound: sound(given.get("sound"), given.get("volume")),
    url: linkAddress(given.get("url"), base),
    id: identity(given.get("id")),
    desktop: given.get("desktop") === true,
  };
}

function look(title, message, icon, image) {
  return {
    title: escape(title),
    message: escape(message),
    // iconText becomes a text node, the class is ours.
    icon: icon ? "material-icons" : "",
    iconText: icon,
    image,
    layout: title && message ? 2 : 1,
  };
}

function tint(value) {
  const { name = "", css = "" } = colour(value);
  return { color: name, backgroundColor: css };
}

function stay(value) {
  const given = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  const timeout = Number.isFinite(given) && given >= 0 ? Math.min(Math.round(given), LONGEST_TIMER) : STAYS;
  return { timeout, progressBar: timeout > 0 };
}

/** iziToast itself would show a toast of another position nowhere. */
function place(position) {
  return POSITIONS.has(position) ? { position } : {};
}

function fields(data) {
  if (typeof data === "string") return new Map([["text", data]]);
  return new Map(isObject(data) ? Object.entries(data) : []);
}

function text(value) {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

function ligature(value) {
  const name = text(value).trim().toLowerCase().replaceAll(" ", "_");
  return LIGATURE.test(name) ? name : "";
}
