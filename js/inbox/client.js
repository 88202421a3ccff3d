/** Calls `found` with the page's client, now or when it starts; returns how to stop waiting. */
export function whenClient(found) {
  if (window.tailcast?.on) {
    found(window.tailcast);
    return () => {};
  }
  const hear = ({ detail }) => found(detail);
  document.addEventListener("tailcast", hear, { once: true });
  return () => document.removeEventListener("tailcast", hear);
}
