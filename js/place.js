// Where a page is scrolled to, kept over a reload. Browsers do that themselves, but not for pages whose content comes late.

const KEY = "tailcast.place";
/** How long content may take to come, in milliseconds; later, the page is in use. */
const PATIENCE = 5_000;
/** How often it is looked whether it has come, in milliseconds: a hidden page is told of nothing by itself. */
const EVERY = 50;
/** What a person does who wants to be elsewhere. */
const HANDS = ["wheel", "touchstart", "pointerdown", "keydown"];

export function keepPlace(page = globalThis) {
  const { scrollX: x, scrollY: y } = page;
  try {
    page.sessionStorage.setItem(KEY, JSON.stringify({ address: address(page), x, y }));
  } catch {
    // A browser may refuse to keep anything; then it does what it does.
  }
}

export function restorePlace(page = globalThis) {
  const place = taken(page);
  if (place?.address !== address(page) || !(place.x > 0 || place.y > 0)) return;
  const stop = new AbortController();
  const until = performance.now() + PATIENCE;
  const look = () => {
    const fits = isLarge(document.scrollingElement ?? document.documentElement, place);
    if (fits) page.scrollTo({ left: place.x, top: place.y, behavior: "instant" });
    if (fits || performance.now() > until) end();
  };
  const timer = setInterval(look, EVERY);
  const end = () => {
    clearInterval(timer);
    stop.abort();
  };
  for (const hand of HANDS) page.addEventListener(hand, end, { signal: stop.signal, passive: true, capture: true });
  look();
}

function isLarge({ scrollWidth, clientWidth, scrollHeight, clientHeight }, { x, y }) {
  return scrollWidth - clientWidth >= Math.floor(x) && scrollHeight - clientHeight >= Math.floor(y);
}

/** What was kept, once. */
function taken(page) {
  try {
    const text = page.sessionStorage.getItem(KEY);
    page.sessionStorage.removeItem(KEY);
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function address({ location }) {
  return location ? location.pathname + location.search : "";
}
