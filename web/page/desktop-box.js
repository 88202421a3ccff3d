// The box for notifications of the system: ticking it is the gesture in which a browser may ask the person.

export function desktopBox(box, tailcast) {
  const no = document.getElementById("desktop-no");
  box.addEventListener("change", async () => {
    no.hidden = !box.checked || (await tailcast.askDesktop());
  });
}
