// iziToast writes its texts as HTML; what goes there passes here first.
const ENTITIES = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

export function escape(text) {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character));
}
