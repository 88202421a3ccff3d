// How far the axes of charts reach. Pure.

/** In seconds. */
const LEAST_SPAN = 30;

/** From nothing to a little above the largest value; to `least` at least. */
export function fromZero(least) {
  return (_, __, max) => [0, Math.max(least, (max ?? 0) * 1.1)];
}

/** The last `span` seconds, or as many as there are; half a minute at least, so that a beginning is no wall. */
export function lately(span, times, now) {
  const last = times.at(-1) ?? now;
  const first = times[0] ?? last;
  return [Math.min(Math.max(first, last - span), last - LEAST_SPAN), last];
}

/** Of the lines of a logarithmic scale those of 1, 10, 100…: the rest is hatching. */
export function wholePowers(_, splits) {
  return splits.map((split) => (Math.abs(Math.log10(split) % 1) < 1e-6 ? split : null));
}

/** Whole powers of ten around what is there. */
export function powers(_, min, max) {
  if (!(min > 0) || !(max > 0)) return [0.1, 10];
  const [low, high] = [Math.floor(Math.log10(min)), Math.ceil(Math.log10(max))];
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}
