// A bar for each job that reports.
import { client } from "../page/client.js";
import { element } from "../page/element.js";

/** More jobs than a person watches. */
const MOST = 20;
const bars = new Map();

function bar(job) {
  if (!bars.has(job) && bars.size < MOST) {
    const progress = element("progress", { max: 100, value: 0, ariaLabel: job });
    const percent = element("output", {}, "");
    bars.set(job, { progress, percent });
    const head = element("p", {}, element("strong", { dir: "auto" }, job), percent);
    document.getElementById("jobs").append(element("li", {}, head, progress));
    document.getElementById("none").hidden = true;
  }
  return bars.get(job);
}

const tailcast = await client();
tailcast.on("event:progress", (data) => {
  const [job, percent] = [String(data?.job ?? "job"), Number(data?.percent)];
  const shown = Number.isFinite(percent) ? bar(job) : null;
  if (!shown) return;
  shown.progress.value = percent;
  shown.percent.textContent = percent >= 100 ? "done" : `${Math.round(percent)} %`;
  // Who hears the page is told of the end, not of every step.
  if (percent >= 100) document.getElementById("said").textContent = `${job} is done`;
});
