// The sounds that come with the server, and a way to hear them.
import { play } from "../js/toast/sound.js";
import { element } from "./element.js";

const SOUNDS = [
  "arpeggio", "attention", "bell", "chime", "demo", "droplet", "dwarf",
  "error", "error1", "error2", "finally", "friend", "office", "pluck",
];

export function sounds(form) {
  const { sound, volume } = form.elements;
  sound.append(element("option", { value: "" }, "none"), ...SOUNDS.map((name) => element("option", { value: name }, name)));
  sound.value = "chime";

  const button = document.getElementById("play");
  const hear = () => sound.value && play({ name: sound.value, volume: Number(volume.value) / 100 }, document.baseURI);
  button.addEventListener("click", hear);
  volume.addEventListener("change", hear);
  sound.addEventListener("change", () => {
    button.disabled = sound.value === "";
    hear();
  });
  volume.addEventListener("input", () => {
    document.getElementById("volume-shown").value = `${volume.value} %`;
  });
}
