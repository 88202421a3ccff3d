// The box for notifications of the system: ticking it is the gesture in which a browser may ask the person.
import { askDesktop } from "../js/toast/desktop.js";

export function desktopBox(box) {
  const no = document.getElementById("desktop-no");
  box.addEventListener("change", async () => {
    no.hidden = !box.checked || (await askDesktop());
  });
}
