// One chart over time, drawn by uPlot: a picture for those who see, its numbers in words for those who listen.
import uPlot from "../js/vendor/uplot/uPlot.esm.js";
import { element } from "../page/element.js";
import { colour } from "./palette.js";
import { lately, wholePowers } from "./scales.js";

const FONT = "12px system-ui, sans-serif";
/** All charts point at the same moment. */
const SYNC = uPlot.sync("status");

/**
 * `series` is a list of `{field, name, series}`, where `series` names a colour; `say` makes text of a value; `range`
 * and `log` are of the y axis.
 */
export function chart({ title, series, say, range, log = false }) {
  const values = series.map(() => element("b"));
  const legend = series.map((one, at) =>
    element("li", { dataset: { series: one.series } }, element("span", {}, one.name), values[at]),
  );
  const plot = element("div", { className: "plot" });
  plot.setAttribute("role", "img");
  const caption = element("figcaption", {}, element("h3", {}, title), element("ul", { className: "legend" }, ...legend));
  const figure = element("figure", { className: "card chart" }, caption, plot);
  let span = 300;
  let drawn = null;
  let data = null;

  const tell = (at) => values.forEach((value, of) => (value.textContent = say(data?.[of + 1][at] ?? null)));
  const newest = () => (data?.[0].length ?? 0) - 1;

  function options() {
    const axis = { stroke: () => colour("soft"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false }, font: FONT };
    const line = (one) => ({
      label: one.name,
      width: 1.75,
      stroke: () => colour(one.series),
      fill: series.length === 1 ? () => `${colour(one.series)}1f` : undefined,
      points: { size: 5, fill: () => colour(one.series) },
    });
    return {
      width: plot.clientWidth,
      height: plot.clientHeight,
      padding: [10, 6, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: SYNC.key, scales: ["x", null] } },
      scales: {
        x: { time: true, range: () => lately(span, data[0], Date.now() / 1000) },
        y: { distr: log ? 3 : 1, range },
      },
      axes: [
        { ...axis, size: 28, space: 70, values: "{HH}:{mm}:{ss}" },
        { ...axis, grid: { ...axis.grid, ...(log && { filter: wholePowers }) }, size: 62, space: log ? 18 : 32, values: (_, splits) => splits.map((split) => (split === null ? "" : say(split))) },
      ],
      series: [{}, ...series.map(line)],
      hooks: { setCursor: [(plotted) => tell(plotted.cursor.idx ?? newest())] },
    };
  }

  // While it is hidden it has no size.
  const fit = () => plot.clientWidth > 0 && drawn?.setSize({ width: plot.clientWidth, height: plot.clientHeight });
  new ResizeObserver(fit).observe(plot);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn?.redraw(false));

  return {
    figure,
    span(seconds) {
      span = seconds;
      if (drawn !== null) drawn.setData(data);
    },
    draw(past) {
      data = [past.column("at"), ...series.map(({ field }) => past.column(field))];
      if (drawn === null && plot.clientWidth > 0) drawn = new uPlot(options(), data, plot);
      else drawn?.setData(data);
      tell(drawn?.cursor.idx ?? newest());
      const now = series.map((one, at) => `${one.name} ${say(data[at + 1].at(-1) ?? null)}`);
      plot.setAttribute("aria-label", `${title}: ${now.join(", ")} now`);
    },
  };
}
