// What drives each example: the files that make it, and steps, each of them lines of a shell and the same records. Pure.
import { echo, file } from "../page/lines.js";

const event = (name, data) => ({ event: name, data });
const percents = Array.from({ length: 21 }, (_, step) => step * 5);
const item = (text) => `<li>${text}</li>`;
const stream = (attributes, html = "") => event("message", `<turbo-stream ${attributes}>${html && `<template>${html}</template>`}</turbo-stream>`);

const post = (user, time) => event("post", { author: user === "all" ? "someone" : user, text: "This line was appended to a file.", time });
const progress = (percent) => event("progress", { job: "backup", percent });
const price = (eur) => event("price", { eur });

/** A step whose line appends one record. */
const one = (title, record) => ({ title, line: (cli, user) => echo(cli, user, record), records: () => [record] });

/** The quotes end around what the shell puts in. */
const put = (line, what, shell) => line.replace(what, `${what.slice(0, -1)}'${shell}'`);

/** How long `records` are apart in this page, in milliseconds. */
export const PAUSE = 100;

export const drives = new Map([
  ["reload", {
    source: ["reload.html", "reload.js", "reload.css"],
    hint: "The server appends such a line for everyone when a file changes. You may append one, too:",
    steps: [
      one("A stylesheet changed", { cmd: "reload", data: { paths: ["examples/reload.css"], css: true } }),
      one("A page changed", { cmd: "reload", data: { paths: ["examples/reload.html"], css: false } }),
    ],
  }],
  ["feed", {
    source: ["feed.html", "feed.js"],
    steps: [{
      title: "Write a post",
      line: (cli, user) => put(echo(cli, user, post(user, 0)), '"time":0', "$(date +%s)"),
      records: (user) => [post(user, Math.floor(Date.now() / 1000))],
    }],
  }],
  ["progress", {
    source: ["progress.html", "progress.js"],
    steps: [{
      title: "Run a job",
      line: (cli, user) => `for i in $(seq 0 5 100); do ${put(echo(cli, user, progress(0)), '"percent":0', "$i")}; sleep 0.2; done`,
      records: () => percents.map(progress),
    }],
  }],
  ["chart", {
    source: ["chart.html", "chart.js"],
    steps: [one("One price", price(101.5)), { title: "A lively market", line: market, records: walk }],
  }],
  ["htmx", {
    source: ["htmx.html"],
    steps: [one("Publish news", event("news", item("<strong>Fresh</strong> from a file")))],
  }],
  ["turbo", {
    source: ["turbo.html", "turbo.js"],
    steps: [
      one("Append a message", stream('action="append" target="messages"', item("<strong>Fresh</strong> from a file"))),
      one("Update the number", stream('action="update" target="unread"', "7")),
      one("Remove the first message", stream('action="remove" targets="#messages li:first-child"')),
    ],
  }],
]);

/** awk goes on by itself, and its numbers have points in every language. */
function market(cli, user) {
  const record = JSON.stringify(price(0)).replaceAll('"', '\\"').replace("0}}", "%.2f}}");
  const step = `p += rand() * 4 - 2; printf "${record}\\n", p; fflush(); system("sleep 0.1")`;
  return `LC_ALL=C awk 'BEGIN { srand(); p = 100; while (n++ < 30) { ${step} } }' >> ${file(cli, user)}`;
}

function walk() {
  let eur = 100;
  return Array.from({ length: 30 }, () => price(Number((eur += Math.random() * 4 - 2).toFixed(2))));
}
