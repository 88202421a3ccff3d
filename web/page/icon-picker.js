// A searchable grid of icons in a dialog.
import { element, symbol } from "./element.js";
import { find } from "./icons.js";

export function iconPicker(form) {
  const dialog = document.getElementById("icons");
  const opener = document.getElementById("icon-open");
  const search = document.getElementById("icons-search");
  const grid = document.getElementById("icons-grid");

  const show = () => {
    const name = form.elements.icon.value;
    opener.querySelector(".material-icons").textContent = name || "block";
    document.getElementById("icon-name").textContent = name ? name.replaceAll("_", " ") : "none";
  };
  const fill = () => {
    const names = find(search.value, isLigature);
    grid.replaceChildren(...names.map((name) => tile(name, name === form.elements.icon.value)));
    (grid.querySelector("[aria-selected=true]") ?? grid.firstElementChild)?.setAttribute("tabindex", "0");
    document.getElementById("icons-none").hidden = names.length > 0;
  };
  const choose = (tile) => {
    form.elements.icon.value = tile.dataset.icon;
    show();
    form.dispatchEvent(new Event("input", { bubbles: true }));
    dialog.close();
  };

  opener.addEventListener("click", () => {
    search.value = "";
    fill();
    dialog.showModal();
    search.focus();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && grid.firstElementChild) choose(grid.firstElementChild);
    if (event.key === "ArrowDown") grid.querySelector("[tabindex='0']")?.focus();
    if (["Enter", "ArrowDown"].includes(event.key)) event.preventDefault();
  });
  grid.addEventListener("click", (event) => {
    const tile = event.target.closest("button");
    if (tile) choose(tile);
  });
  grid.addEventListener("keydown", (event) => walk(grid, event));
  show();
}

function tile(name, selected) {
  const label = name ? name.replaceAll("_", " ") : "no icon";
  const made = element("button", { type: "button", title: label, tabIndex: -1, dataset: { icon: name } }, symbol(name || "block"));
  made.setAttribute("role", "option");
  made.setAttribute("aria-label", label);
  made.setAttribute("aria-selected", String(selected));
  return made;
}

/** Whether the font makes one square sign of the name. */
function isLigature(name) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "24px 'Material Icons'";
  return pen.measureText(name).width === 24;
}

/** Arrow keys move through the grid, which is one stop for the Tab key. */
function walk(grid, event) {
  const tiles = [...grid.children];
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const steps = new Map([["ArrowLeft", -1], ["ArrowRight", 1], ["ArrowUp", -columns], ["ArrowDown", columns]]);
  if (!steps.has(event.key)) return;
  event.preventDefault();
  const from = tiles.indexOf(document.activeElement);
  const to = tiles[from + steps.get(event.key)];
  if (!to) return;
  tiles[from].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}
