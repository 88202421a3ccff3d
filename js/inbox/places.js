// Where records stand. The id of a record is "1~TAG.OFFSET.KEYS~TAG.OFFSET.KEYS…": for each followed stream, the place behind its
// newest record. Two ids one after the other differ in the part of the stream that the second record is in. Pure.

/** Characters of KEYS that are the record's own hash; how many others follow depends on how far back the server looked. */
const OWN_HASH = 5;

/** The places in an id, one for each stream. */
export function placesOf(id) {
  const [first, ...parts] = String(id).split("~");
  return parts.length > 0 ? parts.map(place) : [first];
}

function place(part) {
  const [tag, offset = "", keys = ""] = part.split(".");
  return `${tag}.${offset}.${keys.slice(0, OWN_HASH)}`;
}

/** Which stream a place is in. */
export function tagOf(place) {
  return place.split(".")[0];
}

/** The same record wherever it stands: a person who edits the file moves what is below. */
export function loosely(place) {
  const [tag, , hash] = place.split(".");
  return `${tag}..${hash}`;
}

/** Before any record. */
export function isStart(place) {
  return place.endsWith(".");
}

/** Remembers which tag each stream has, as pages of history show it. */
export class Tags {
  #tags = new Map();

  /** A whole page, oldest first: neighbours differ in the newer one's own place. */
  learn(items) {
    items.slice(1).forEach((item, at) => {
      const before = placesOf(items[at].id);
      const moved = placesOf(item.id).find((place) => !before.includes(place));
      if (moved) this.#tags.set(stream(item), tagOf(moved));
    });
  }

  /** The place of this item itself. One that is alone in its stream is in none of the others. */
  own(item) {
    const places = placesOf(item.id);
    const tag = this.#tags.get(stream(item));
    const others = [...this.#tags.values()];
    const isOwn = tag ? (place) => tagOf(place) === tag : (place) => !isStart(place) && !others.includes(tagOf(place));
    return places.find(isOwn) ?? places[0];
  }
}

function stream({ user, channel }) {
  return JSON.stringify([user, channel]);
}
