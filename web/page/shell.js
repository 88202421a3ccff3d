// Words of a POSIX shell. Pure.
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/** One word that any POSIX shell reads back as exactly this text. */
export function quote(text) {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
