// The charts of the last minutes.
import { chart } from "./chart.js";
import { latency, number } from "./format.js";
import { fromZero, powers } from "./scales.js";

const CHARTS = [
  {
    title: "Followers",
    series: [{ field: "followers", name: "online", series: "teal" }],
    say: number,
    range: fromZero(4),
  },
  {
    title: "Records per second",
    series: [
      { field: "deliveries", name: "delivered", series: "blue" },
      { field: "records", name: "found", series: "violet" },
      { field: "writes", name: "written here", series: "amber" },
    ],
    say: number,
    range: fromZero(4),
  },
  {
    title: "From wake to write",
    series: [
      { field: "p50", name: "p50", series: "blue" },
      { field: "p99", name: "p99", series: "amber" },
    ],
    say: (value) => latency(value).join(" ").trim(),
    range: powers,
    log: true,
  },
  {
    title: "Longest lag",
    series: [{ field: "lag", name: "of any follower", series: "red" }],
    say: (value) => (value === null ? number(value) : `${number(value)} s`),
    range: fromZero(1),
  },
];

export function charts() {
  const all = CHARTS.map(chart);
  document.getElementById("charts").append(...all.map(({ figure }) => figure));
  const span = document.getElementById("span");
  // A browser may remember another choice than the first.
  const choose = () => all.forEach((one) => one.span(Number(span.querySelector(":checked").value)));
  span.addEventListener("change", choose);
  choose();
  return { draw: (past) => all.forEach((one) => one.draw(past)) };
}
