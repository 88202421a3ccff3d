// The notifications of one user, newest first, out of pages of history and what arrives. Pure.
import { kind, timeOf } from "./note.js";
import { isStart, loosely, placesOf, tagOf, Tags } from "./places.js";

/** More than anyone scrolls through; older ones are left out. */
const MOST = 1_000;
/** Places remembered, two for each record; those that still matter are less than half. */
const MOST_PLACES = 5_000;
/** Ids remembered: more notifications that were replaced or taken back are seldom among those that pages bring. */
const MOST_GONE = 5_000;

export class Notes {
  /** `{note, id, place, rank, fresh, time, at}`: `at` is the time, or that of a neighbour where the record has none. */
  items = [];
  #tags = new Tags();
  /** Of records seen, by place: of two in the same stream the newer has the higher rank. */
  #ranks = new Map();
  /** Ids of notifications that something newer replaced or took back. */
  #gone = new Set();
  /** The places up to which all is read, as last told. */
  #mark = [];
  #head = [];
  #last = [];
  /** Unix time before which everything comes by pages. */
  #oldest = -Infinity;
  #top = 0;
  #bottom = 0;

  get isFull() {
    return this.items.length >= MOST;
  }

  /** A page of history, as the server gives it: what is older than all before. */
  page(page) {
    this.#tags.learn(page);
    if (this.#head.length === 0 && page.length > 0) this.#head = this.#last = placesOf(page.at(-1).id);
    this.#oldest = page.length > 0 ? (timeOf(page[0].time) ?? this.#oldest) : -Infinity;
    for (const item of [...page].reverse()) this.#older(item);
    this.#forget();
  }

  /** A record that arrives, at `now`: `{item}` if that changes anything, where `item` is the new one or null. */
  arrive({ data, id: cursor, missed = false }, now = Date.now() / 1000) {
    const { note, id = null, dismiss = null } = kind(data);
    const place = this.#new(cursor, note);
    if (place === null || (missed && data?.time < this.#oldest)) return null;
    if (dismiss !== null) this.#take(dismiss);
    if (note === undefined) return dismiss === null ? null : { item: null };
    if (id !== null) this.#take(id);
    this.#rank(place, ++this.#top);

    const time = timeOf(data.time) ?? (missed ? null : now);
    const newest = this.items.find((item) => Number.isFinite(item.at))?.at ?? now;
    const at = missed ? (time ?? newest) : Math.max(time, newest);
    const item = { note, id, place, rank: this.#top, fresh: !missed, time, at };
    const index = missed ? this.items.findIndex((other) => other.at <= at) : 0;
    this.items.splice(index < 0 ? this.items.length : index, 0, item);
    if (this.items.length > MOST) this.items.pop();
    this.#forget();
    return { item };
  }

  /** The unread ones; `mark` are the places up to which all is read, or null where nobody ever looked. */
  unread(mark) {
    const upto = new Map();
    this.#mark = mark ?? [];
    for (const place of this.#mark) {
      const rank = this.#rankOf(place);
      const tag = tagOf(place);
      upto.set(tag, Math.max(rank ?? -Infinity, upto.get(tag) ?? -Infinity));
    }
    // A stream that the mark does not know is newly followed: what was in it is old.
    const isRead = ({ place, rank, fresh }) => (upto.has(tagOf(place)) ? rank <= upto.get(tagOf(place)) : mark?.length !== 0 && !fresh);
    return this.items.filter((item) => !isRead(item));
  }

  /** Whether all that is newer than the mark has been loaded. */
  reaches(mark) {
    const reached = new Set(mark.filter((place) => this.#head.includes(place) || this.#rankOf(place) !== undefined).map(tagOf));
    return mark.length > 0 && mark.every((place) => reached.has(tagOf(place)));
  }

  /** The mark behind all that is here. Places of commands and events count, too, but other tabs may know only notifications. */
  mark() {
    const newest = new Map();
    for (const { place } of this.items) if (!newest.has(tagOf(place))) newest.set(tagOf(place), place);
    return [...new Set([...newest.values(), ...this.#last, ...this.#head])];
  }

  #older(item) {
    const place = this.#tags.own(item);
    if (this.#ranks.has(place)) return;
    this.#rank(place, --this.#bottom);
    const { note, id = null, dismiss = null } = kind(item.record);
    if (dismiss !== null) this.#leave(dismiss);
    if (note === undefined || this.#gone.has(id)) return;
    if (id !== null) this.#leave(id);
    const time = timeOf(item.time);
    const newer = this.items.at(-1)?.at ?? Infinity;
    this.items.push({ note, id, place, rank: this.#bottom, fresh: false, time, at: Math.min(newer, time ?? newer) });
  }

  /** The place of a record that arrives, or null where a page had it already. */
  #new(cursor, note) {
    const places = placesOf(cursor);
    const moved = places.filter((place) => !this.#last.includes(place) && !isStart(place));
    this.#last = places;
    const same = (item) => moved.includes(item.place) && JSON.stringify(item.note) === JSON.stringify(note);
    if (this.items.some(same)) return null;
    return moved.find((place) => !this.#ranks.has(place)) ?? null;
  }

  #take(id) {
    this.items = this.items.filter((item) => item.id !== id);
    this.#leave(id);
  }

  #leave(id) {
    this.#gone.add(id);
    if (this.#gone.size > MOST_GONE) this.#gone.delete(this.#gone.values().next().value);
  }

  /** Keeps the places of what is listed, those that tell what is read, and those seen last. */
  #forget() {
    const { size } = this.#ranks;
    if (size <= MOST_PLACES) return;
    const needed = new Set([...this.items.map(({ place }) => place), ...this.#mark].flatMap((place) => [place, loosely(place)]));
    this.#ranks = new Map([...this.#ranks].filter(([place], at) => needed.has(place) || at >= size - MOST));
  }

  #rank(place, rank) {
    this.#ranks.set(place, rank);
    if (rank > (this.#ranks.get(loosely(place)) ?? -Infinity)) this.#ranks.set(loosely(place), rank);
  }

  #rankOf(place) {
    return this.#ranks.get(place) ?? this.#ranks.get(loosely(place));
  }
}
