// The commands that every page has. Toasts are loaded when the first one arrives.
import { Missed } from "./missed.js";
import { reloader } from "./reload.js";
import { guarded } from "./topics.js";

/**
 * `{commands, live}`: the commands by name, each `(data, run, record)`, where `record` is what it came in, or null; and what to call when
 * the stream has caught up. More than `missed` old notifications are shown as one.
 */
export function builtIn({ root, missed, allowFunc, link }) {
  const toaster = once(() => import("./toast/toaster.js"));
  const old = new Missed(missed, {
    one: (data, context) => guarded(async () => (await toaster()).notify(data, context)),
    all: (kept) => guarded(async () => (await toaster()).missed(kept)),
  });
  const context = (run, record) => ({ root, run, record, allowFunc, link, quiet: false });

  const notify = async (data, run, record) => {
    if (record?.missed) old.keep(data, context(run, record));
    // What takes toasts back goes for those on the page, too.
    if (record?.missed && data?.type !== "destroy") return;
    (await toaster()).notify(data, context(run, record));
  };
  const dismiss = async (data, run, record) => {
    old.dismiss(data?.id ?? data);
    (await toaster()).dismiss(data, context(run, record));
  };
  // What was sent before a page began to load is on it already.
  const load = reloader();
  const reload = (data, _run, record) => record?.first || load(data);

  return { commands: new Map(Object.entries({ notify, dismiss, reload })), live: () => old.show() };
}

/** One promise for all: imports begun at the same time may end in any order, and toasts would with them. */
function once(load) {
  let loading = null;
  return () => {
    loading ??= load().catch((error) => {
      loading = null;
      throw error;
    });
    return loading;
  };
}
