// The last prices as a line.
import uPlot from "../js/vendor/uplot/uPlot.esm.js";
import { client } from "../page/client.js";

const POINTS = 100;
const HEIGHT = 260;
const place = document.getElementById("chart");
const [times, prices] = [[], []];
let chart = null;

/** In the colours of the page, which may be light or dark. */
function draw() {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const line = { label: "Price", stroke: colour("--accent"), fill: colour("--accent-wash"), width: 2 };
  chart?.destroy();
  chart = new uPlot(
    { width: place.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { show: false }, series: [{}, line], axes: [axis, axis] },
    [times, prices],
    place,
  );
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);

const tailcast = await client();
tailcast.on("event:price", (data) => {
  const price = Number(data?.eur);
  if (!Number.isFinite(price)) return;
  times.push(Date.now() / 1000);
  prices.push(price);
  if (times.length > POINTS) [times, prices].forEach((list) => list.shift());
  document.getElementById("price").textContent = `${price.toFixed(2)} €`;
  chart.setData([times, prices]);
});
