// One connection per browser, whatever the number of its tabs: HTTP/1.1 allows six. A leader has it and tells the others.
import { feed } from "./feed.js";
import { Kept } from "./kept.js";
import { scope } from "./scope.js";
import { Tab } from "./tab.js";

/**
 * Reads the stream at `address`, and reports `state(name)`, `event(name or null, text, id, {missed, first})` and `live()`; named events only
 * after `listen(name)`. `token()` is the token to show, `renew(token)` takes a new one or asks the page for it, `whoami()` asks the
 * server for the user. `voice()` resolves to whether this tab is the one that is heard; `tell` sends something to
 * the other tabs' `told`. Without Web Locks (they need a secure context), or with `share: false`, each tab has a connection.
 */
export function shared(address, hears, { share = true, token = () => null, renew, whoami, page = globalThis }) {
  const url = () => shown(address, token());
  const key = `${address.href} ${scope(token())}`.trim();
  const kept = new Kept(key, storage(page));
  const source = (hears, options) => feed(url, hears, { kept, page, ...options });
  const canShare = share && page.navigator?.locks !== undefined && page.BroadcastChannel !== undefined;
  if (!canShare) return alone(source, hears, renew);
  try {
    return new Tab(key, hears, { source, renew, page, whoami: token() === null ? whoami : null });
  } catch {
    // Firefox refuses channels where it refuses cookies.
    return alone(source, hears, renew);
  }
}

function alone(source, hears, renew) {
  const denied = async () => (await renew()) !== null;
  const link = source(
    { ...hears, event: (name, text, { id, ...place }) => hears.event(name, text, id, place) },
    { denied },
  );
  return { listen: link.listen, close: link.close, voice: async () => true, tell() {}, told() {} };
}

function shown(address, token) {
  const url = new URL(address);
  url.searchParams.set("ping", "1");
  if (token !== null) url.searchParams.set("token", token);
  return url;
}

/** A browser may refuse even to be asked. */
function storage(page) {
  try {
    return page.localStorage;
  } catch {
    return null;
  }
}
