// The colour of a toast: one that iziToast names, or any CSS colour and nothing but a colour.
const NAMED = new Set(["blue", "red", "green", "yellow", "orange"]);
const HEX = /^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i;
const WORD = /^[a-z]{3,24}$/i;
const FUNCTION = /^(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\([a-z0-9 %.,/+-]{1,80}\)$/i;

/** `{name}` for iziToast's own, `{css}` for another, `{}` for none. */
export function colour(value) {
  if (typeof value !== "string") return {};
  const text = value.trim();
  if (NAMED.has(text.toLowerCase())) return { name: text.toLowerCase() };
  return HEX.test(text) || WORD.test(text) || FUNCTION.test(text) ? { css: text } : {};
}

/** Whether white reads better than black on red, green, blue (0–255), by WCAG's contrast: they are equal at 0.179. */
export function isDark(red, green, blue) {
  const [r, g, b] = [red, green, blue].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179;
}

/** The same for a CSS colour as it is on white, which only a browser knows. */
export function needsLightText(css) {
  if (!css) return false;
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, 1, 1);
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  return isDark(...pen.getImageData(0, 0, 1, 1).data);
}
