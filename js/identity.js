/** Longer ids are none; in characters. */
const LONGEST = 128;

/** A notification's id as a text, or null: text or number, and nothing that only claims to be one. */
export function identity(value) {
  const id = typeof value === "string" || Number.isFinite(value) ? String(value) : "";
  return id !== "" && id.length <= LONGEST ? id : null;
}
