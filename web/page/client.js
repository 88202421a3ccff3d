// The client that js/sse.js starts, as any page gets hold of it.
export function client() {
  if (window.tailcast?.on) return Promise.resolve(window.tailcast);
  return new Promise((resolve) => {
    document.addEventListener("tailcast", (event) => resolve(event.detail), { once: true });
  });
}
