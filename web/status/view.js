// Which part of the page is seen: the door, or what is behind it.
export function view(name) {
  if (document.body.dataset.view === name) return;
  document.body.dataset.view = name;
  for (const part of ["door", "shown"]) document.getElementById(part).hidden = part !== name;
}
