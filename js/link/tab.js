// One tab of a browser: it leads and has the connection, or it follows the tab that does.
import { Alarm } from "./alarm.js";
import { heartbeat } from "./connection.js";
import { Election } from "./election.js";
import { Leader } from "./leader.js";
import { same, Seen } from "./seen.js";
import { voice } from "./voice.js";

/** Milliseconds in which a leader that does not hang answers. */
const ANSWERS_WITHIN = 5_000;
/** A leader says something with each heartbeat. */
const PATIENCE = 2.5;
/** Milliseconds in which a leader's connection opens, or it is asked for again. */
const OPENS_WITHIN = 30_000;
const LEAPT = { reason: "more came than other tabs keep" };
/** Milliseconds between two tokens that a tab offers to a leader whose own was refused. */
const HELPS_EVERY = 30_000;

export class Tab {
  #key;
  #hears;
  #options;
  #page;
  #id;
  #names = new Set();
  #told = new Set();
  #seen = new Seen();
  #election;
  #voice;
  #alarm;
  #channel = null;
  #leader = null;
  /** The leader's term, once it has welcomed this tab. */
  #follows = null;
  #ready = null;
  /** Whether this page has had all that it missed before it came. */
  #lived = false;
  #helped = -Infinity;
  /** Where the page before this one stood in the same tab. */
  #before;

  constructor(key, hears, options) {
    this.#key = `tailcast ${key}`;
    this.#hears = hears;
    this.#options = options;
    this.#page = options.page;
    this.#id = this.#page.crypto.randomUUID();
    this.#before = this.#place();
    this.#election = new Election(this.#key, this.#page.navigator.locks, {
      lead: () => this.#lead(),
      lost: () => this.#lost(),
    });
    this.#alarm = new Alarm(() => this.#late(), this.#page);
    for (const [target, type] of this.#moments()) target.addEventListener(type, this);
    this.#join();
  }

  listen(name) {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    if (this.#leader) this.#leader.listen([name]);
    else this.#post({ kind: "listen", names: [name] });
  }

  voice() {
    return this.#voice.mine();
  }

  tell(message) {
    this.#post({ kind: "tell", message });
  }

  told(fn) {
    this.#told.add(fn);
  }

  close() {
    for (const [target, type] of this.#moments()) target.removeEventListener(type, this);
    this.#part();
    this.#alarm.stop();
    this.#hears.state("closed");
  }

  handleEvent({ type, persisted }) {
    if (type === "pagehide" || type === "freeze") this.#part();
    else if (type === "resume" || persisted) this.#join();
  }

  /** A page that is put away or frozen lets another lead, and comes back from where it stood. */
  #moments() {
    const { document } = this.#page;
    return [[this.#page, "pagehide"], [this.#page, "pageshow"], [document, "freeze"], [document, "resume"]];
  }

  #join() {
    if (this.#channel !== null) return;
    this.#channel = new this.#page.BroadcastChannel(this.#key);
    this.#channel.onmessage = ({ data }) => this.#take(data);
    this.#voice = voice(`${this.#key} voice`, { isLeader: () => this.#leader !== null, page: this.#page });
    this.#election.ask();
    this.#hello();
  }

  #part() {
    if (this.#channel === null) return;
    this.#keepPlace();
    this.#leader?.end();
    this.#leader = null;
    this.#follows = null;
    this.#voice.close();
    this.#alarm.patience = Infinity;
    this.#channel.close();
    this.#channel = null;
    this.#election.resign();
  }

  #post(message) {
    this.#channel?.postMessage({ from: this.#id, ...message });
  }

  // Following

  /** Asks whoever leads for what this tab has not seen. */
  #hello() {
    this.#follows = null;
    this.#alarm.heard();
    this.#alarm.patience = ANSWERS_WITHIN;
    this.#post({ kind: "hello", last: this.#seen.last ?? this.#before, names: [...this.#names] });
  }

  #take(message) {
    if (message.kind === "tell") return this.#told.forEach((fn) => fn(message.message));
    if (message.kind === "token") this.#options.renew(message.token);
    if (this.#leader) return this.#leader.take(message);
    if (message.kind === "who") return this.#answer(message);
    if (message.kind === "lead") return this.#follow(message);
    // A leader that hung may still answer, after another.
    if (message.kind === "welcome") return message.to === this.#id && this.#follows === null && this.#welcomed(message);
    if (this.#follows === null || message.term !== this.#follows) return;
    this.#alarm.heard();
    if (message.kind === "event") this.#deliver(message);
    if (message.kind === "live") this.#live();
    if (message.kind === "state") this.#enter(message.state);
  }

  /** A tab that begins to lead asks what its predecessor told the others. */
  #answer({ last }) {
    const place = this.#seen.last;
    this.#post({ kind: "seen", place, messages: this.#seen.after(last) ?? [], names: [...this.#names] });
  }

  #follow({ term, recent, place }) {
    this.#catchUp(recent, place);
    this.#follows = term;
    this.#alarm.heard();
    this.#post({ kind: "listen", names: [...this.#names] });
  }

  #welcomed({ term, state, ready, behind, missed, place }) {
    if (this.#ready !== ready && ready !== null) this.#tell({ name: "ready", text: ready, id: place?.id ?? "" });
    const before = this.#seen.last ?? this.#before;
    missed?.forEach((message) => this.#deliver({ ...message, missed: true }));
    if (missed === null) this.#leap(before, place);
    else if (this.#seen.last === null) this.#seen.start(place);
    this.#follows = term;
    this.#alarm.heard();
    if (!behind) this.#live();
    this.#enter(state);
    this.#compare(state);
  }

  /** Takes over what it lacks of the newest messages before a change of leaders. */
  #catchUp(recent, place) {
    const isNew = this.#seen.last === null;
    const last = this.#seen.last ?? this.#before;
    const at = last === null ? -1 : recent.findIndex((message) => same(message, last));
    if (at >= 0) recent.slice(at + 1).forEach((message) => this.#deliver(isNew ? { ...message, missed: true } : message));
    else if (!same(last, place)) this.#leap(last, place);
    if (this.#seen.last === null) this.#seen.start(place);
  }

  /** Goes on where the leader is, and says so if something may lie between. */
  #leap(from, to) {
    this.#seen.start(to);
    if (from !== null && from.id !== to?.id) this.#tell({ name: "reset", text: JSON.stringify(LEAPT), id: to?.id ?? "" });
  }

  #live() {
    this.#lived = true;
    this.#hears.live();
  }

  #deliver(message) {
    this.#seen.push(message);
    this.#tell(message);
  }

  #tell({ name, text, id, missed = false }) {
    if (name === "ready") this.#ready = text;
    if (name !== null && !this.#names.has(name)) return;
    this.#hears.event(name, text, id, { missed, first: missed && !this.#lived });
  }

  #enter(state) {
    const every = heartbeat(this.#ready);
    this.#alarm.patience = this.#ready === null ? OPENS_WITHIN : every === null ? Infinity : every * PATIENCE;
    this.#hears.state(state);
    if (state === "unauthorized") this.#help();
  }

  /** The leader's page has no token; perhaps this one's has. */
  async #help() {
    if (Date.now() - this.#helped < HELPS_EVERY) return;
    this.#helped = Date.now();
    const token = await this.#options.renew();
    if (token !== null) this.#post({ kind: "token", token });
  }

  /** The cookie may have become another's since the leader connected. */
  async #compare(state) {
    if (this.#options.whoami === null || (state !== "open" && state !== "unauthorized")) return;
    const user = await this.#options.whoami().catch(() => undefined);
    if (user === undefined) return;
    const leaders = this.#ready === null ? null : (JSON.parse(this.#ready).user ?? null);
    if (user !== leaders) this.#post({ kind: "anew" });
  }

  #late() {
    if (this.#leader || this.#channel === null) return;
    if (this.#follows !== null) this.#hello();
    else this.#election.ask({ steal: true });
  }

  // Leading

  async #lead() {
    this.#alarm.patience = Infinity;
    const leader = new Leader(this.#page.crypto.randomUUID(), {
      ...this.#options,
      seen: this.#seen,
      post: (message) => this.#post(message),
      deliver: (message) => this.#deliver(message),
      state: (state) => this.#hears.state(state),
      live: () => this.#live(),
      ready: () => this.#ready,
    });
    this.#leader = leader;
    leader.listen([...this.#names]);
    await leader.start(await this.#election.isAwaited());
  }

  #lost() {
    this.#leader?.end();
    this.#leader = null;
    this.#hello();
    this.#election.ask();
  }

  // The next page of this tab

  /** Taken, since a tab that this one opens gets a copy of what is kept. */
  #place() {
    try {
      const place = JSON.parse(this.#page.sessionStorage.getItem(this.#key));
      this.#page.sessionStorage.removeItem(this.#key);
      return place;
    } catch {
      return null;
    }
  }

  #keepPlace() {
    try {
      this.#page.sessionStorage.setItem(this.#key, JSON.stringify(this.#seen.last));
    } catch {
      // Refused: what comes between two pages of this tab while another leads is shown there only.
    }
  }
}
