// The colour swatches: iziToast's names, and one of your own.
import { element } from "./element.js";

const COLOURS = ["", "blue", "green", "yellow", "orange", "red"];

export function swatches(form) {
  const place = document.getElementById("swatches");
  const picker = element("input", { type: "color", value: "#7c3aed", tabIndex: -1 });
  picker.setAttribute("aria-label", "Own colour");
  place.append(...COLOURS.map((colour) => swatch(colour, colour || "none")), own(picker));
  form.elements.color.value = "green";

  const radio = place.querySelector("[value^='#']");
  const take = () => {
    radio.value = picker.value;
    radio.checked = true;
    form.dispatchEvent(new Event("input", { bubbles: true }));
  };
  picker.addEventListener("input", take);
  picker.addEventListener("click", take);
}

function swatch(value, name, ...inside) {
  const radio = element("input", { type: "radio", name: "color", value });
  radio.setAttribute("aria-label", name);
  return element("label", { className: "swatch", title: name, dataset: { colour: name } }, radio, ...inside);
}

function own(picker) {
  const made = swatch(picker.value, "own colour", picker);
  made.dataset.colour = "own";
  return made;
}
