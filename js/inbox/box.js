// What an inbox holds: the user's history, what arrives, and up to where it was read. Knows nothing of how that looks.
import { Mark } from "./mark.js";
import { Notes } from "./notes.js";

/** Records of a page of history. */
const PAGE = 50;
/** Pages looked through for what is unread when a page of the site begins: 99+ is as good as any larger number. */
const PAGES_TO_COUNT = 5;

export class Box {
  /** Of the history: "loading", "more", "end" or "error". */
  state = "loading";
  #client;
  #hears;
  #stops;
  #notes = new Notes();
  #mark = null;
  #unread = new Set();
  /** What arrives while the first page is on its way, which may hold it, too; null afterwards. */
  #waiting = [];
  #user = null;
  #channels = null;
  #before = null;
  #turn = 0;

  /** `hears.changed()` when there is something to draw, `hears.arrived(item)` for a new one. */
  constructor(client, hears) {
    this.#client = client;
    this.#hears = hears;
    this.#stops = [
      client.on("record", (record) => this.#hear(record)),
      client.on("ready", (data) => this.#ready(data)),
      client.on("reset", () => this.#begin()),
    ];
    // Whose it is is known before the stream is open only if that was told by another tab.
    if (client.user !== null || client.state === "open") this.#ready({ user: client.user, channels: client.channels });
  }

  get items() {
    return this.#notes.items;
  }

  get unread() {
    return this.#unread;
  }

  /** Reads on in the past; the same again after an error. */
  async older() {
    const turn = ++this.#turn;
    this.#enter("loading");
    const page = await this.#page().catch(() => null);
    if (turn !== this.#turn) return;
    if (page !== null) {
      this.#notes.page(page);
      this.#before = page[0]?.id ?? this.#before;
      // First of all there is nothing to have missed.
      if (this.#mark.places === null) this.#mark.add(this.#notes.mark());
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const record of waiting) this.#hear(record);
    this.#enter(page === null ? "error" : page.length === 0 || this.#notes.isFull ? "end" : "more");
  }

  /** All that is here has been read. */
  read() {
    if (this.#unread.size === 0) return;
    this.#mark.add(this.#notes.mark());
    this.#changed();
  }

  close() {
    this.#turn += 1;
    this.#mark?.close();
    for (const stop of this.#stops) stop();
  }

  #ready(data) {
    const [user, channels] = [data?.user ?? null, data?.channels ?? null];
    // A client that was ready before this page part was loaded may not tell its channels; they have not changed then.
    const isSame = user === this.#user && (this.#channels === null || String(channels) === String(this.#channels));
    if (this.#mark !== null && isSame) return this.state === "error" && this.older();
    [this.#user, this.#channels] = [user, channels];
    this.#mark?.close();
    this.#mark = new Mark(this.#client.root, user, () => this.#changed());
    this.#begin();
  }

  async #begin() {
    if (this.#mark === null) return;
    this.#notes = new Notes();
    this.#waiting = [];
    this.#before = null;
    const mark = this.#mark;
    for (let pages = 0; pages < PAGES_TO_COUNT; pages++) {
      const turn = this.#turn + 1;
      await this.older();
      if (turn !== this.#turn || this.state !== "more" || this.#notes.reaches(mark.places)) return;
    }
  }

  async #page() {
    const query = new URLSearchParams({ limit: PAGE });
    if (this.#user !== null) query.set("user", this.#user);
    for (const channel of this.#channels ?? []) query.append("channel", channel);
    if (this.#before !== null) query.set("before", this.#before);
    const answer = await this.#client.fetch(`history?${query}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  }

  #hear(record) {
    if (record.event !== null) return;
    if (this.#waiting !== null) return this.#waiting.push(record);
    const change = this.#notes.arrive(record);
    if (change === null) return;
    this.#changed();
    if (change.item?.fresh) this.#hears.arrived(change.item);
  }

  #enter(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.#unread = new Set(this.#notes.unread(this.#mark?.places ?? null));
    this.#hears.changed();
  }
}
