/** An element with attributes and children; text stays text. What is null is left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing of 24 by 24 that only decorates. */
export function drawing(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = svg.appendChild(document.createElementNS(SVG, "path"));
  line.setAttribute("d", path);
  return svg;
}

/** Puts children under a sheet of their own, and shows them when that is there, which it resolves with. */
export function styled(shadow, href, ...children) {
  const link = element("link", { rel: "stylesheet", href });
  const place = element("div", { hidden: "" }, ...children);
  shadow.append(link, place);
  return new Promise((resolve) => {
    // A page whose policy refuses the sheet still has the words.
    link.onload = link.onerror = () => resolve((place.hidden = false));
  });
}

/** Makes children of `parent` what `wanted` says, in its order, and touches those that stay as little as possible: one has the focus. */
export function arrange(parent, wanted) {
  const stay = new Set(wanted);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}
