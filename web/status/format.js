// Numbers, sizes and times as people read them. Pure.
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const FINER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Nothing is known. */
export const NONE = "–";

export function number(value) {
  if (value === null) return NONE;
  if (value >= 10_000) return SHORT.format(value);
  if (value < 1) return FINER.format(value);
  return (value < 10 ? FINE : WHOLE).format(value);
}

export function count(value) {
  return WHOLE.format(value);
}

/** `2 streams`, `1 stream`. */
export function several(value, one, more = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : more}`;
}

export function bytes(value) {
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${(value < 10 && unit > 0 ? FINE : WHOLE).format(value)} ${UNITS[unit]}`;
}

/** Milliseconds as `[number, unit]`. */
export function latency(value) {
  if (value === null) return [NONE, ""];
  if (value >= 1000) return [FINE.format(value / 1000), "s"];
  if (value >= 10) return [WHOLE.format(value), "ms"];
  if (value >= 1) return [FINE.format(value), "ms"];
  return [WHOLE.format(value * 1000), "µs"];
}

/** Seconds as a duration: its largest unit, and from a minute on the one below it. */
export function duration(seconds) {
  if (seconds < 1 && seconds > 0) return `${WHOLE.format(Math.max(1, seconds * 1000))} ms`;
  if (seconds < 10) return `${FINE.format(seconds)} s`;
  if (seconds < 60) return `${WHOLE.format(seconds)} s`;
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days > 0) return units(days, "d", hours, "h");
  if (hours > 0) return units(hours, "h", minutes, "min");
  return units(minutes, "min", Math.floor(seconds % 60), "s");
}

function units(large, unit, small, below) {
  return small > 0 ? `${large} ${unit} ${small} ${below}` : `${large} ${unit}`;
}

/** A Unix time as hours, minutes and seconds; with its day if that is not today's. */
export function clock(at, now = Date.now() / 1000) {
  const date = new Date(at * 1000);
  const isToday = date.toDateString() === new Date(now * 1000).toDateString();
  return (isToday ? CLOCK : DAY).format(date);
}
