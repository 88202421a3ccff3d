// All a page needs: <script async id="ssescript" src="…/js/sse.js"></script>
// A classic script, so that it works in any page; everything else is a module beside it.
(() => {
  // An element with this id is no client.
  if (window.tailcast?.on) return;
  const script = document.currentScript ?? document.getElementById("ssescript");
  const client = new URL("tailcast.js", script.src).href;
  const { query, token, missed, share, allowFunc, badge } = script.dataset;
  const options = {
    ...(query === undefined ? {} : { query }),
    ...(token === undefined ? {} : { token }),
    ...(missed === undefined ? {} : { missed: Number(missed) }),
    share: share !== "false",
    allowFunc: allowFunc !== undefined && allowFunc !== "false",
  };
  // Scripts of the page that come with it have run by then, so that they hear what it missed; those that come later do not.
  const loaded = performance.getEntriesByType("navigation")[0]?.domContentLoadedEventStart > 0 || document.readyState === "complete";
  const when = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
  const ready = loaded || Promise.race([when(document, "DOMContentLoaded"), when(window, "load")]);
  Promise.all([import(client), ready])
    .then(([{ connect }]) => {
      if (window.tailcast?.on) return;
      window.tailcast = connect(options);
      // Synchronously after connect, so that a handler added now sees the very first record.
      document.dispatchEvent(new CustomEvent("tailcast", { detail: window.tailcast }));
      if (badge !== undefined) return import(new URL("badge.js", script.src).href).then(() => document.body.append(document.createElement("tailcast-badge")));
    })
    .catch((error) => console.error(`tailcast: cannot start ${client}`, error));
})();
