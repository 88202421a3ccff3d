// The large numbers.
import { element } from "../page/element.js";
import { bytes, latency, number, several } from "./format.js";
import { spark } from "./spark.js";

/** From how many seconds on a lag is bad: nobody should wait so long for what is there. */
const BAD_LAG = 5;

const TILES = [
  {
    name: "Followers",
    field: "followers",
    series: "teal",
    value: (past) => [number(past.last("followers"))],
    beside: (past) => several(past.last("connections"), "connection"),
  },
  {
    name: "Deliveries",
    field: "deliveries",
    series: "blue",
    value: (past) => [number(past.last("deliveries")), "/s"],
    beside: (past) => `${bytes(past.last("bytes"))}/s`,
  },
  {
    name: "Records found",
    field: "records",
    series: "violet",
    value: (past) => [number(past.last("records")), "/s"],
    beside: (past) => `${number(past.last("writes"))}/s written by this server`,
  },
  {
    name: "Wake to write, p99",
    field: "p99",
    series: "amber",
    value: (past) => latency(past.last("p99")),
    beside: (past) => `half within ${latency(past.last("p50")).join(" ")}`,
  },
  {
    name: "Longest lag",
    field: "lag",
    series: "red",
    value: (past) => [number(past.last("lag")), "s"],
    beside: (past) => `${number(past.last("behind"))} catching up from files`,
    isBad: (past) => past.last("lag") >= BAD_LAG,
  },
  {
    name: "Streams followed",
    field: "streams",
    series: "teal",
    value: (past) => [number(past.last("streams"))],
    beside: (past, files) => (files === null ? "" : `of ${several(files, "file")}`),
  },
];

export function tiles() {
  const place = document.getElementById("tiles");
  const all = TILES.map(tile);
  let files = null;
  place.append(...all.map(({ box }) => box));
  return {
    files: (found) => (files = found.current.files),
    draw(past) {
      if (past.length > 0) all.forEach((one) => one.draw(past, files));
    },
  };
}

function tile({ name, field, series, value, beside, isBad = () => false }) {
  const line = spark(series);
  const shown = element("dd", { className: "value" });
  const small = element("dd", { className: "beside" });
  const box = element("div", { className: "tile", dataset: { field } }, element("dt", {}, name), shown, small);
  small.append(element("span"), line.svg);
  return {
    box,
    draw(past, files) {
      const [figure, unit = ""] = value(past);
      shown.replaceChildren(figure, element("small", {}, unit));
      small.firstChild.textContent = beside(past, files);
      small.title = small.firstChild.textContent;
      box.dataset.mood = isBad(past) ? "bad" : "";
      line.draw(past.column(field));
    },
  };
}
