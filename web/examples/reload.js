// Counts what the command reload does to this page. It does it by itself: all a page needs is the client.
const KEY = "tailcast.examples.reload";
const times = (count) => (count === 1 ? "1 time" : `${count} times`);
const show = (id, text) => (document.getElementById(id).textContent = text);

let swapped = 0;
new MutationObserver((changes) => {
  // The old one leaves when the new one is there.
  if (!changes.flatMap(({ removedNodes }) => [...removedNodes]).some((node) => node.href?.includes("reload.css"))) return;
  swapped += 1;
  show("swapped", times(swapped));
  document.getElementById("swapped").classList.add("new");
}).observe(document.head, { childList: true });

const loaded = Number(sessionStorage.getItem(KEY) ?? 0) + 1;
sessionStorage.setItem(KEY, String(loaded));
show("loaded", times(loaded));
document.getElementById("loaded").classList.toggle("new", loaded > 1);

setInterval(() => show("open", `${Math.floor(performance.now() / 1000)} s`), 1_000);
