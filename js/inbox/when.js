// Times in words, in the language of the page. Pure.

/** Seconds of each unit, largest first; a day and more is counted in days of the calendar. */
const UNITS = [["hour", 3600], ["minute", 60]];
/** After so many days the date says more. */
const DAYS_IN_WORDS = 7;
const DAY = 86_400;
/** By what they were made of: making one takes far longer than using it. */
const formats = new Map();

/** "5 minutes ago", "yesterday", "12 May". */
export function ago(time, now, lang) {
  const words = format("RelativeTimeFormat", lang, { numeric: "auto" });
  const days = daysBetween(time, now);
  if (Math.abs(days) >= DAYS_IN_WORDS) return date(time, now, lang);
  const seconds = Math.round(time - now);
  if (days !== 0 && Math.abs(seconds) > DAY / 2) return words.format(days, "day");
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 0];
  return size ? words.format(Math.trunc(seconds / size), unit) : words.format(0, "second");
}

/** The heading over what came that day: "Today", "Yesterday", a date. */
export function day(time, now, lang) {
  const days = daysBetween(time, now);
  if (days !== 0 && days !== -1) return date(time, now, lang, { weekday: "long" });
  const text = format("RelativeTimeFormat", lang, { numeric: "auto" }).format(days, "day");
  return text.charAt(0).toLocaleUpperCase(lang) + text.slice(1);
}

export function exactly(time, lang) {
  return format("DateTimeFormat", lang, { dateStyle: "full", timeStyle: "short" }).format(time * 1000);
}

/** The language that the page says it is in, or undefined, which is the browser's, where there is no such. */
export function language(tag) {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

function format(name, lang, options) {
  const key = JSON.stringify([name, lang, options]);
  if (!formats.has(key)) formats.set(key, new Intl[name](lang, options));
  return formats.get(key);
}

function date(time, now, lang, more = {}) {
  const isThisYear = new Date(time * 1000).getFullYear() === new Date(now * 1000).getFullYear();
  return format("DateTimeFormat", lang, { day: "numeric", month: "long", ...more, ...(isThisYear ? {} : { year: "numeric" }) }).format(time * 1000);
}

/** Of the calendar: a minute before midnight was yesterday. */
function daysBetween(time, now) {
  const midnight = (seconds) => new Date(seconds * 1000).setHours(0, 0, 0, 0);
  return Math.round((midnight(time) - midnight(now)) / (DAY * 1000));
}
