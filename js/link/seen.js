// The newest messages in the order of their leaders, so that a tab which missed some gets them, and none twice.

/** Enough for what comes while a page is exchanged for the next: so many messages, and so many characters in all. */
const MOST = 1_000;
const MOST_TEXT = 500_000;

export class Seen {
  #messages = [];
  #text = 0;
  /** The place in front of the oldest. */
  #before = null;

  /** Where this tab stands: `{term, seq, id}`, or null before the first message. */
  get last() {
    const last = this.#messages.at(-1) ?? this.#before;
    return last && { term: last.term, seq: last.seq, id: last.id };
  }

  push(message) {
    this.#messages.push(message);
    this.#text += message.text.length;
    while (this.#messages.length > MOST || (this.#text > MOST_TEXT && this.#messages.length > 1)) {
      this.#before = this.#messages.shift();
      this.#text -= this.#before.text.length;
    }
  }

  /** Stands where another tab stands, without its messages. */
  start(place) {
    this.#messages = [];
    this.#text = 0;
    this.#before = place;
  }

  newest(count) {
    return this.#messages.slice(-count);
  }

  /** Whether a message comes behind all that are here. */
  isNews(message) {
    const last = this.last;
    return last === null || (message.term === last.term && message.seq > last.seq);
  }

  /** What came behind a place, or null if that is not known. */
  after(place) {
    if (place === null) return null;
    for (const is of [same, sameCursor]) {
      const at = this.#messages.findLastIndex((message) => is(message, place));
      if (at >= 0 || is(this.#before, place)) return this.#messages.slice(at + 1);
    }
    return null;
  }
}

/** Whether two places are one, of messages or of tabs; null is none. */
export function same(one, other) {
  return (one === null && other === null) || (one?.term === other?.term && one?.seq === other?.seq);
}

/** Of leaders that are gone, the cursor still tells. */
const sameCursor = (one, other) => Boolean(one?.id) && one.id === other.id;
