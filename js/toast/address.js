// Which addresses out of a record may be followed or shown.

/** An absolute http, https or mailto address, or null: never javascript: and its kin. */
export function linkAddress(text, base) {
  const url = parsed(text, base);
  return url && ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}

/** An absolute address of an image that is safe inside an unquoted CSS url(…), or null. */
export function imageAddress(text, base) {
  const url = parsed(text, base);
  if (!url) return null;
  const image = url.protocol === "data:" && /^data:image\//i.test(url.href);
  if (!image && !["http:", "https:"].includes(url.protocol)) return null;
  return url.href.replace(/[\s"'()\\<>]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
}

function parsed(text, base) {
  if (typeof text !== "string" || text.trim() === "") return null;
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
