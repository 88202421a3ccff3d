// The face of the client: import {connect} from "…/js/tailcast.js".
import { builtIn } from "./builtin.js";
import { commander } from "./commands.js";
import { connection } from "./connection.js";
import { command, record } from "./record.js";
import { Topics } from "./topics.js";

const ROOT = new URL("../", import.meta.url);

/** Connects this page to its event stream. `root` is the folder that holds `events`, `js/` and `sounds/`. */
export function connect({ root = ROOT, link = connection } = {}) {
  return new Tailcast(new URL(root, globalThis.document?.baseURI), link);
}

class Tailcast {
  #topics = new Topics();
  #link;
  #run;
  #state = "connecting";
  #user = null;

  constructor(root, link) {
    this.#run = commander({ topics: this.#topics, builtIn: builtIn(root) });
    this.#link = link(new URL("events", root), {
      state: (state) => this.#enter(state),
      event: (name, text, id) => this.#receive(record(name, text, id)),
    });
    this.#link.listen("ready");
    this.#link.listen("reset");
  }

  /** `connecting`, `open`, `waiting` (will try again by itself) or `closed`. */
  get state() {
    return this.#state;
  }

  /** Who the server takes this page for; null while it has no name. */
  get user() {
    return this.#user;
  }

  /** Calls `fn` for a command (`"x"`), a named event (`"event:x"`), or `ready`, `state`, `reset`, `record`. Returns how to stop. */
  on(name, fn) {
    const [kind, event] = Topics.split(name);
    if (kind === "event") this.#link.listen(event);
    return this.#topics.add(name, fn);
  }

  close() {
    this.#link.close();
  }

  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#topics.emit("state", state);
  }

  #receive(record) {
    if (record.event === "ready") {
      this.#user = record.data?.user ?? null;
      return this.#topics.emit("ready", record.data);
    }
    if (record.event === "reset") return this.#topics.emit("reset", record.data);

    this.#topics.emit("record", record);
    if (record.event !== null) return this.#topics.emit(`event:${record.event}`, record.data, record);
    const found = command(record);
    if (found) this.#run(found.cmd, found.data, record);
  }
}
