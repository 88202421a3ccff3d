/** An element with properties and children; text stays text. */
export function element(tag, properties = {}, ...children) {
  const { dataset = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

/** A Material Icon that only decorates. */
export function symbol(name) {
  const made = element("span", { className: "material-icons" }, name);
  made.setAttribute("aria-hidden", "true");
  return made;
}
