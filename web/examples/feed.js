// Posts, newest first: the last ones from the history, and then each as it is appended.
import { client } from "../page/client.js";
import { element } from "../page/element.js";

const SHOWN = 10;
const list = document.getElementById("posts");
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Whoever may write to the stream writes what they like: of an object not even a text can always be made. */
const text = (value) => (["string", "number"].includes(typeof value) ? String(value) : "");

function show(post) {
  const when = new Date(Number(text(post.time)) * 1000);
  const head = element("p", {}, element("strong", { dir: "auto" }, text(post.author) || "someone"));
  if (when.valueOf()) {
    head.append(" ", element("time", { dateTime: when.toISOString() }, clock.format(when)));
  }
  list.prepend(element("li", {}, head, element("p", { dir: "auto" }, text(post.text))));
  while (list.childElementCount > SHOWN) list.lastElementChild.remove();
  document.getElementById("none").hidden = true;
}

/** The posts among the newest records of the streams that this browser follows, oldest first. */
async function past() {
  const answer = await fetch("../history?type=post&limit=100");
  if (!answer.ok) throw new Error(`/history answers ${answer.status}`);
  const records = (await answer.json()).map(({ record }) => record);
  return records.filter(({ event, data }) => event === "post" && data).map(({ data }) => data);
}

// Listen first and ask then, so that no post falls between; what comes meanwhile may be in both.
const early = [];
let take = (post) => early.push(post);
(await client()).on("event:post", (post) => take(post ?? {}));

const before = await past();
const known = new Set(before.map((post) => JSON.stringify(post)));
take = show;
before.slice(-SHOWN).forEach(show);
early.filter((post) => !known.has(JSON.stringify(post))).forEach(show);
