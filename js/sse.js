// All a page needs: <script async id="ssescript" src="…/js/sse.js"></script>
// A classic script, so that it works in any page; everything else is a module beside it.
(() => {
  /** What tailcast.js imports, asked for at once: each import of an import would wait for another round trip. */
  const MODULES = [
    "builtin.js", "commands.js", "missed.js", "record.js", "topics.js", "link/alarm.js", "link/connection.js", "link/election.js", "link/feed.js",
    "link/kept.js", "link/leader.js", "link/pause.js", "link/scope.js", "link/seen.js", "link/shared.js", "link/tab.js", "link/voice.js",
  ];
  if (window.tailcast) return;
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
  for (const name of MODULES) {
    const href = new URL(name, script.src).href;
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
  }
  import(client)
    .then(({ connect }) => {
      if (window.tailcast) return;
      window.tailcast = connect(options);
      // Synchronously after connect, so that a handler added now sees the very first record.
      document.dispatchEvent(new CustomEvent("tailcast", { detail: window.tailcast }));
      if (badge !== undefined) import(new URL("badge.js", script.src).href).then(() => document.body.append(document.createElement("tailcast-badge")));
    })
    .catch((error) => console.error(`tailcast: cannot start ${client}`, error));
})();
