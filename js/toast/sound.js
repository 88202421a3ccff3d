// Sounds by name, out of the server's sounds/ folder.
const NAME = /^[a-z0-9_-]{1,64}$/;
const warned = new Set();

/** `{name, volume}` for a name that can be a sound, else null. Volume is 0–1, or percent above 1. */
export function sound(name, volume) {
  if (typeof name !== "string" || !NAME.test(name)) return null;
  const given = typeof volume === "string" && volume.trim() !== "" ? Number(volume) : volume;
  const level = Number.isFinite(given) ? (given > 1 ? given / 100 : given) : 1;
  return { name, volume: Math.min(Math.max(level, 0), 1) };
}

/** Plays it; resolves to `heard`, to `refused` (before the first gesture, browsers allow no sound) or to `failed`. */
export async function play({ name, volume }, root) {
  const audio = new Audio(new URL(`sounds/${name}.wav`, root).href);
  audio.volume = volume;
  try {
    await audio.play();
    return "heard";
  } catch (error) {
    if (error.name === "NotAllowedError") return "refused";
    if (!warned.has(name)) {
      warned.add(name);
      console.warn(`tailcast: cannot play the sound "${name}"`, error);
    }
    return "failed";
  }
}
