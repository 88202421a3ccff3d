// What arrived, as a page sees it.

/** `event` is null for an unnamed event; `data` is the parsed JSON, or the text where it is none. */
export function record(event, text, id) {
  return { event, text, id, data: parsed(text) };
}

/** The command in an unnamed record, if it is one. */
export function command({ event, data }) {
  if (event !== null || !isObject(data)) return null;
  if (!Object.hasOwn(data, "cmd") || typeof data.cmd !== "string") return null;
  return { cmd: data.cmd, data: Object.hasOwn(data, "data") ? data.data : undefined };
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
