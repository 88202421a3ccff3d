// All a page needs: <script async id="ssescript" src="…/js/sse.js"></script>
// A classic script, so that it works in any page; everything else is a module beside it.
(() => {
  if (window.tailcast) return;
  const script = document.currentScript ?? document.getElementById("ssescript");
  const client = new URL("tailcast.js", script.src).href;
  import(client)
    .then(({ connect }) => {
      if (window.tailcast) return;
      window.tailcast = connect({ allowFunc: script.hasAttribute("data-allow-func") });
      // Synchronously after connect, so that a handler added now sees the very first record.
      document.dispatchEvent(new CustomEvent("tailcast", { detail: window.tailcast }));
    })
    .catch((error) => console.error(`tailcast: cannot start ${client}`, error));
})();
