// A record in one line. Pure.
const isObject = (value) => Object(value) === value;

/** `{kind, name, gist}`: kind is "cmd", "event" or "other". */
export function gist({ event, data, text }) {
  if (event !== null) return { kind: "event", name: event, gist: shown(data, text) };
  if (isObject(data) && Object.hasOwn(data, "cmd")) {
    return { kind: "cmd", name: String(data.cmd), gist: summary(data.data) };
  }
  return { kind: "other", name: isObject(data) ? "object" : "text", gist: shown(data, text) };
}

/** What a person would read of a command's data. */
function summary(data) {
  if (!isObject(data)) return data === undefined ? "" : shown(data, String(data));
  const words = ["title", "text"].map((name) => data[name]).filter((value) => typeof value === "string" && value);
  return words.length > 0 ? words.join(" · ") : JSON.stringify(data);
}

function shown(data, text) {
  return typeof data === "string" ? data : (JSON.stringify(data) ?? text);
}
