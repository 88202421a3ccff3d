// The status page: puts its parts together.
import { about } from "./status/about.js";
import { charts } from "./status/charts.js";
import { door } from "./status/door.js";
import { files } from "./status/files.js";
import { Past } from "./status/past.js";
import { health } from "./status/health.js";
import { online } from "./status/online.js";
import { recent } from "./status/recent.js";
import { rejected } from "./status/rejected.js";
import { stream } from "./status/stream.js";
import { tiles } from "./status/tiles.js";
import { view } from "./status/view.js";

document.getElementById("host").textContent = location.host;

const past = new Past();
const pictures = [tiles(), charts(), health(), about()];
const draw = () => pictures.forEach((picture) => picture.draw?.(past));

const shown = new Map([
  ["status", (status) => pictures.forEach((picture) => picture.status?.(status))],
  ["samples", (columns) => past.replace(columns)],
  ["sample", (sample) => past.add(sample)],
  ["online", online],
  ["files", (found) => {
    files(found);
    pictures.forEach((picture) => picture.files?.(found));
  }],
  ["rejected", rejected],
  ["recent", recent],
]);

const watched = stream([...shown.keys()], {
  state: (state) => pictures.forEach((picture) => picture.state?.(state)),
  event(name, data) {
    view("shown");
    shown.get(name)(data);
    if (name === "samples" || name === "sample") draw();
  },
  refused: (words, mode) => entrance.show(words, mode),
});
const entrance = door(watched.open);
watched.open();
