// Files by size.
import { element } from "../page/element.js";
import { bytes, clock, duration, several } from "./format.js";
import { bar, channels, fill, more, name, total } from "./list.js";

/** What took less took a millisecond: nothing takes no time. */
const LEAST = 0.001;

export function files({ at, took, current, rotated, largest }) {
  const most = Math.max(1, ...largest.map((file) => file.bytes));
  fill("files", largest.map((file) => bar(stream(file), bytes(file.bytes), file.bytes / most)), "There are no files yet.");
  total("files-count", bytes(current.bytes));
  const aside = rotated.files > 0 ? `, and ${several(rotated.files, "rotated one")} of ${bytes(rotated.bytes)}` : "";
  more("files-more", `${several(current.files, "file")} of ${bytes(current.bytes)} in all${aside}. Looked at ${clock(at)}, in ${duration(Math.max(took, LEAST))}.`);
}

function stream({ user, channel }) {
  const of = channels([channel]);
  return element("span", { className: "name" }, name(user), ...(of.length > 0 ? [" ", ...of] : []));
}
