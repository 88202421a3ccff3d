// Starts Turbo under a Content-Security-Policy that allows no inline style. Turbo inserts one for a progress bar, which
// this page never shows; a server that makes a nonce for each page names it in <meta name="csp-nonce"> instead.
const { head } = document;
const insert = head.insertBefore;
head.insertBefore = (node, before) => (node.localName === "style" ? node : insert.call(head, node, before));
await import("../js/vendor/turbo/turbo.js");
delete head.insertBefore;
