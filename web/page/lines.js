// The terminal lines that do what the composer does. Pure.
import { quote } from "./shell.js";

/** Flags of `tailcast send`, in the order shown. */
const FLAGS = ["title", "text", "color", "icon", "image", "sound", "volume", "time", "url", "position", "id"];
/** Pasted into a terminal these would be keys, so such a text goes as JSON, which escapes them. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

export function lines({ cli, writer, user, record }) {
  return {
    json: JSON.stringify(record, null, 2),
    echo: echo(cli, user, record),
    send: send(cli, user, record),
    curl: curl(writer, user, record),
  };
}

/** sh's own echo would turn the \n of JSON into a line break; printf '%s\n' leaves every text alone. */
export function echo(cli, user, record) {
  const json = JSON.stringify(record);
  const print = json.includes("\\") ? "printf '%s\\n'" : "echo";
  return `${print} ${quote(json)} >> ${file(cli, user)}`;
}

/** The user's file, as a word of a shell. */
export function file(cli, user) {
  return `"$(${cli} path${operand(user)})"`;
}

function curl(writer, user, record) {
  const fields = [`user=${user}`, `data=${JSON.stringify(record)}`];
  return `curl ${quote(writer)} ${fields.map((field) => `--data-urlencode ${quote(field)}`).join(" ")}`;
}

function send(cli, user, record) {
  const flags = asFlags(record.data);
  const [before, after] = flags ? [flags, ""] : ["", ` ${quote(JSON.stringify(record))}`];
  return user.startsWith("-") ? `${cli} send${before}${operand(user)}${after}` : `${cli} send ${quote(user)}${after}${before}`;
}

/** A name that begins with a hyphen is no flag. */
function operand(user) {
  return user.startsWith("-") ? ` -- ${quote(user)}` : ` ${quote(user)}`;
}

/** The data as flags, or null where flags cannot say it. */
function asFlags(data) {
  const given = FLAGS.filter((name) => Object.hasOwn(data, name)).map((name) => [name, String(data[name])]);
  if (data.button) {
    if (data.button.name.includes("=")) return null;
    given.push(["button", `${data.button.name}=${data.button.url}`]);
  }
  if (given.length === 0 || given.some(([, value]) => CONTROL.test(value))) return null;
  const flags = given.map(([name, value]) => ` --${name}${value.startsWith("-") ? "=" : " "}${quote(value)}`).join("");
  return data.desktop ? `${flags} --desktop` : flags;
}
