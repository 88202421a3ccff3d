// A small line below a number: its last minute.
const SVG = "http://www.w3.org/2000/svg";
const POINTS = 60;
const HEIGHT = 100;
/** Room above and below, so that the line is not cut. */
const ROOM = 8;

export function spark(series) {
  const svg = document.createElementNS(SVG, "svg");
  svg.classList.add("spark");
  svg.dataset.series = series;
  svg.setAttribute("viewBox", `0 0 ${POINTS - 1} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const [area, line] = [0, 1].map(() => svg.appendChild(document.createElementNS(SVG, "path")));
  area.classList.add("area");

  return {
    svg,
    draw(values) {
      const path = points(values);
      line.setAttribute("d", path && `M${path}`);
      area.setAttribute("d", path && `M${path}V${HEIGHT}H${first(values)}Z`);
    },
  };
}

/** Where the line begins: it ends at the right. */
function first(values) {
  return POINTS - Math.min(values.length, POINTS);
}

/** Pure. */
export function points(values) {
  const shown = values.slice(-POINTS).map((value) => value ?? 0);
  if (shown.length < 2) return "";
  const most = Math.max(...shown, Number.MIN_VALUE);
  const y = (value) => (HEIGHT - ROOM - (value / most) * (HEIGHT - 2 * ROOM)).toFixed(1);
  return shown.map((value, at) => `${first(values) + at} ${y(value)}`).join("L");
}
