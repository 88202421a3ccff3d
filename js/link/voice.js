// Which tab is heard: the visible one that was looked at last, else the leader. A lock tells, since it goes with its tab.

/** `{mine, close}`: `mine()` resolves to whether this tab is the one. */
export function voice(name, { isLeader, page = globalThis, locks = page.navigator.locks }) {
  const document = page.document;
  let release = null;
  let asking = null;

  function take(steal) {
    if (release !== null) return;
    asking?.abort();
    const mine = (asking = new AbortController());
    const options = steal ? { steal } : { signal: mine.signal };
    const hold = () => !mine.signal.aborted && new Promise((resolve) => (release = resolve));
    locks.request(name, options, hold).catch(({ name }) => {
      if (mine.signal.aborted || name !== "AbortError") return;
      // Stolen by a tab that is looked at now. This one is heard again after that, and does not steal it back.
      release = null;
      take(false);
    });
  }

  function leave() {
    asking?.abort();
    asking = null;
    release?.();
    release = null;
  }

  function update() {
    if (document.visibilityState === "visible") take(document.hasFocus());
    else leave();
  }

  async function mine() {
    if (release !== null) return true;
    if (!isLeader()) return false;
    const { held } = await locks.query().catch(() => ({ held: [] }));
    return !held.some((lock) => lock.name === name);
  }

  page.addEventListener("focus", update);
  document.addEventListener("visibilitychange", update);
  update();
  return {
    mine,
    close() {
      page.removeEventListener("focus", update);
      document.removeEventListener("visibilitychange", update);
      leave();
    },
  };
}
