// What a button's old `func` may say without an opt-in: one move to another page, and nothing else. Pure.
import { linkAddress } from "./address.js";

/** An address has 2,000 characters at most in practice; nobody writes one move longer than this. */
const LONGEST = 4_096;
const STRING = String.raw`('(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*"|${"`"}(?:[^${"`"}\\]|\\.)*${"`"})`;
const LOCATION = String.raw`(?:(?:window|document|self|top)\s*\.\s*)?location`;
const WINDOW = String.raw`(?:(?:window|self|top)\s*\.\s*)?`;
const statement = (source) => new RegExp(String.raw`^\s*${source}\s*;?\s*$`);

/** Each is a whole statement; what it captures first is a string. */
const MOVES = [
  ["assign", statement(String.raw`${LOCATION}(?:\s*\.\s*href)?\s*=\s*${STRING}`)],
  ["assign", statement(String.raw`${LOCATION}\s*\.\s*assign\s*\(\s*${STRING}\s*\)`)],
  ["replace", statement(String.raw`${LOCATION}\s*\.\s*replace\s*\(\s*${STRING}\s*\)`)],
  ["open", statement(String.raw`${WINDOW}open\s*\(\s*${STRING}\s*(?:,\s*(?:'_blank'|"_blank")\s*)?\)`)],
  ["reload", statement(String.raw`${LOCATION}\s*\.\s*reload\s*\(\s*\)`)],
  ["back", statement(String.raw`${WINDOW}history\s*\.\s*back\s*\(\s*\)`)],
];

/** `{how, url}` with `how` one of assign, replace, open, or `{how}` for reload and back; null for all else. */
export function move(text, base) {
  if (typeof text !== "string" || text.length > LONGEST) return null;
  for (const [how, pattern] of MOVES) {
    const found = pattern.exec(text);
    if (!found) continue;
    if (found[1] === undefined) return { how };
    const url = linkAddress(unquoted(found[1]), base);
    return url && { how, url };
  }
  return null;
}

const SINGLE = new Map(Object.entries({ n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v" }));
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}|([^0-9xu\r\n\u2028\u2029]))/gy;

/** What a JavaScript string literal stands for, or null where it is none, or more than one. */
function unquoted(literal) {
  const inside = literal.slice(1, -1);
  if (literal[0] === "`" && inside.includes("${")) return null;
  let text = "";
  for (let at = 0; at < inside.length; at++) {
    if (inside[at] !== "\\") {
      text += inside[at];
      continue;
    }
    ESCAPE.lastIndex = at;
    const found = ESCAPE.exec(inside);
    if (!found) return null;
    const [whole, two, four, some, one] = found;
    const code = parseInt(two ?? four ?? some, 16);
    if (code > 0x10ffff) return null;
    text += one === undefined ? String.fromCodePoint(code) : (SINGLE.get(one) ?? one);
    at += whole.length - 1;
  }
  return text;
}
