// The font of the icons. A font belongs to the document: one that a shadow tree names is not loaded.
const SHEET = "js/vendor/material-icons/material-icons.css";

export function loadIcons(root) {
  const { href } = new URL(SHEET, root);
  if ([...document.querySelectorAll("link[rel=stylesheet]")].some((link) => link.href === href)) return;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}
