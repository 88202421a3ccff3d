// The tab that has the connection: tells the others what comes, and where they stand.

/** Milliseconds in which other tabs say what the leader before told them: a message within one browser takes about one. */
const SETTLES_WITHIN = 50;
/** A tab lacks no more than this of what the leader before told another. */
const RECENT = 50;

export class Leader {
  #term;
  #tab;
  #names = new Set();
  #seq = 0;
  #state = "connecting";
  /** Whether what is sent may have been missed. */
  #behind = true;
  #feed = null;
  #ended = false;

  constructor(term, tab) {
    this.#term = term;
    this.#tab = tab;
  }

  async start(hasFollowers) {
    const { seen, post, source } = this.#tab;
    const before = seen.last;
    if (hasFollowers) {
      post({ kind: "who", last: before });
      await new Promise((resolve) => setTimeout(resolve, SETTLES_WITHIN));
    }
    if (this.#ended) return;
    post({ kind: "lead", term: this.#term, recent: seen.newest(RECENT), place: seen.last });
    const hears = {
      state: (state) => this.#enter(state),
      event: (name, text, place) => this.#event(name, text, place),
      live: () => this.#live(),
    };
    this.#feed = source(hears, { id: seen.last?.id ?? "", denied: () => this.#denied() });
    for (const name of this.#names) this.#feed.listen(name);
  }

  listen(names) {
    for (const name of names) {
      this.#names.add(name);
      this.#feed?.listen(name);
    }
  }

  end() {
    this.#ended = true;
    this.#feed?.close();
  }

  /** What another tab says. */
  take(message) {
    if (message.names) this.listen(message.names);
    if (message.kind === "hello") this.#welcome(message);
    if (this.#feed === null && message.kind === "seen") this.#learn(message);
    if (this.#feed === null && message.kind === "event") this.#learn({ place: null, messages: [message] });
    if (message.kind === "anew" || (message.kind === "token" && this.#state === "unauthorized")) this.#feed?.restart();
  }

  #welcome({ from, last }) {
    // Who says hello before this leader has begun is told by "lead".
    if (this.#feed === null) return;
    const { seen, post, ready } = this.#tab;
    post({ kind: "welcome", to: from, term: this.#term, state: this.#state, ready: ready(), behind: this.#behind, missed: seen.after(last), place: seen.last });
  }

  /** What the leader before told others and not this tab. */
  #learn({ place, messages }) {
    const { seen, deliver } = this.#tab;
    if (seen.last === null && place !== null) seen.start(place);
    for (const message of messages) if (seen.isNews(message)) deliver(message);
  }

  #event(name, text, { id, missed }) {
    // A server without pings does not say when all is sent.
    if (this.#behind && !missed) this.#live();
    this.#behind = missed;
    this.#seq += 1;
    const message = { kind: "event", term: this.#term, seq: this.#seq, name, text, id, missed };
    this.#tab.post(message);
    this.#tab.deliver(message);
  }

  #live() {
    this.#behind = false;
    this.#tab.post({ kind: "live", term: this.#term });
    this.#tab.live();
  }

  #enter(state) {
    this.#state = state;
    if (state === "closed") return;
    this.#tab.post({ kind: "state", term: this.#term, state });
    this.#tab.state(state);
  }

  async #denied() {
    const token = await this.#tab.renew();
    if (token !== null) this.#tab.post({ kind: "token", token });
    return token !== null;
  }
}
