// What all examples have around them: the head, how to drive them, and their source.
import "../js/badge.js";
import { copyButtons } from "../page/copy.js";
import { element } from "../page/element.js";
import { me } from "../page/server.js";
import { drive } from "./drive.js";
import { drives } from "./drives.js";
import { source } from "./source.js";

const main = document.querySelector("main");
const example = drives.get(document.body.dataset.example);
document.body.prepend(top(example !== undefined));
document.body.append(element("p", { className: "sr-only", id: "copied", role: "status" }));

if (example) {
  try {
    const { user, cli } = await me();
    // Only who sits at the server is told how it is called.
    main.append(drive(example, { user, cli: cli ?? "tailcast" }));
  } catch (error) {
    main.append(element("p", { className: "card notice", role: "alert" }, `The server does not say who you are (${error.message}).`));
  }
  main.append(await source(example.source));
  copyButtons();
}

function top(isInside) {
  const logo = element("img", { src: "../favicon.svg", width: 36, height: 36, alt: "" });
  const brand = element("a", { className: "brand", href: "../" }, logo, element("strong", {}, "tailcast"));
  const state = element("tailcast-badge", { id: "badge", hidden: !document.getElementById("ssescript") });
  const all = element("nav", { ariaLabel: "Examples", hidden: !isInside }, element("a", { href: "./" }, "All examples"));
  return element("header", { className: "top" }, brand, state, all);
}
