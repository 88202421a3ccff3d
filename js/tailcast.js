// The face of the client: import {connect} from "…/js/tailcast.js".
import { builtIn } from "./builtin.js";
import { commander } from "./commands.js";
import { shared } from "./link/shared.js";
import { command, record } from "./record.js";
import { report, Topics } from "./topics.js";

const ROOT = new URL("../", import.meta.url);
/** More old notifications than this are shown as one. */
const MISSED = 5;

/** Connects this page to its event stream; tailcast.d.ts says what each option is. */
export function connect({ link = shared, ...options } = {}) {
  return new Tailcast(options, link);
}

class Tailcast {
  #topics = new Topics();
  #root;
  #link;
  #run;
  #live;
  #token;
  #state = "connecting";
  #user = null;
  #channels = [];
  #asking = null;

  constructor({ root = ROOT, query = "", token = null, onToken = null, missed = MISSED, allowFunc = false, share = true }, link) {
    this.#root = new URL(root, globalThis.document?.baseURI);
    this.#token = token;
    this.onToken = onToken;
    const address = this.#address(query);
    this.#link = link(address, {
      state: (state) => this.#enter(state),
      event: (name, text, id, place) => this.#receive({ ...record(name, text, id), ...place }),
      live: () => this.#live(),
    }, {
      share,
      token: () => this.#token,
      renew: (token) => this.#renew(token),
      whoami: async () => (await (await this.fetch(`me${address.search}`)).json()).user ?? null,
    });
    const { commands, live } = builtIn({ root: this.#root, missed, allowFunc, link: this.#link });
    this.#live = live;
    this.#run = commander({ topics: this.#topics, builtIn: commands });
    this.#link.listen("ready");
    this.#link.listen("reset");
  }

  /** `connecting`, `open`, `waiting` (will try again by itself), `unauthorized` or `closed`. */
  get state() {
    return this.#state;
  }

  /** Who the server takes this page for; null while it has no name. */
  get user() {
    return this.#user;
  }

  /** Which channels the page follows; "" is the default one. */
  get channels() {
    return this.#channels;
  }

  /** The folder that holds `events`, `js/` and `sounds/`. */
  get root() {
    return this.#root;
  }

  /** Calls `fn` for a command (`"x"`), a named event (`"event:x"`), or `ready`, `state`, `reset`, `record`. Returns how to stop. */
  on(name, fn) {
    const [kind, event] = Topics.split(name);
    const stop = this.#topics.add(name, fn);
    if (kind === "event") this.#link.listen(event);
    return stop;
  }

  /** Asks the server as this client does: with its cookies and its token. `path` is below `root`. */
  fetch(path, { headers = {}, ...options } = {}) {
    const proof = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    const credentials = this.#root.origin === globalThis.location?.origin ? "same-origin" : "include";
    return fetch(new URL(path, this.#root), { credentials, ...options, headers: { ...proof, ...headers } });
  }

  /** Resolves to whether this is the tab that makes sounds: of all that share a connection the visible one, else the leader. */
  isHeard() {
    return this.#link.voice();
  }

  /** Asks the person for notifications of the system, in a click or a key press of theirs. Resolves to whether they allow them. */
  async askDesktop() {
    if (!("Notification" in globalThis)) return false;
    return (await Notification.requestPermission()) === "granted";
  }

  close() {
    this.#link.close();
  }

  #address(query) {
    const address = new URL("events", this.#root);
    for (const [name, value] of new URLSearchParams(query)) address.searchParams.append(name, value);
    return address;
  }

  /** The token to go on with: the one that another tab got, or one that the page has; null if there is none. */
  async #renew(token = null) {
    const next = token ?? (await this.#ask()) ?? null;
    if (next !== null) this.#token = String(next);
    return next === null ? null : this.#token;
  }

  /** One question at a time; a page's error is the page's, and no token. */
  #ask() {
    const ask = async () => this.onToken?.(this.#token);
    this.#asking ??= ask().catch(report).finally(() => (this.#asking = null));
    return this.#asking;
  }

  #enter(state) {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#topics.emit("state", state);
  }

  #receive(record) {
    if (record.event === "ready") {
      this.#user = record.data?.user ?? null;
      this.#channels = record.data?.channels ?? [];
      return this.#topics.emit("ready", record.data);
    }
    if (record.event === "reset") return this.#topics.emit("reset", record.data);

    this.#topics.emit("record", record);
    if (record.event !== null) return this.#topics.emit(`event:${record.event}`, record.data, record);
    const found = command(record);
    if (found) this.#run(found.cmd, found.data, record);
  }
}
