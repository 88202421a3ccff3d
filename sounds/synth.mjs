// Instruments and effects. Every function takes numbers and sounds and returns a new sound: a
// Float64Array of samples at RATE. No clock and no Math.random, so a recipe always gives the same sound.

/** Samples per second. Half of the usual 48000 halves the files; a notification needs nothing above 12 kHz. */
export const RATE = 24000;

const NYQUIST = RATE / 2;
const TAU = 2 * Math.PI;

/** Loudness every sound is brought to, in dB below full scale, measured by `loudness`. */
const TARGET_DB = -18;
/** Seconds over which an ear adds up power: shorter sounds seem quieter. */
const EAR = 0.2;
/** Hz below which the weighting falls, by 6 dB per octave, or low notes would be lost on a phone. */
const EAR_CUTOFF = 250;
/** Highest sample after mastering: 1 dB of room for browsers that resample to 44100 or 48000. */
const PEAK = 0.89;
/** Seconds of fade at each end. Shorter than 1 ms or 8 ms would be heard as a click. */
const FADE_IN = 0.002;
const FADE_OUT = 0.04;

const NOTES = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** "A4" is 440 Hz; "b" after the letter is flat, "#" sharp. */
export function hz(note) {
  const [, letter, sign, octave] = /^([A-G])([b#]?)(\d)$/.exec(note);
  const semitone = NOTES[letter] + { "": 0, b: -1, "#": 1 }[sign] + 12 * (Number(octave) + 1);
  return 440 * 2 ** ((semitone - 69) / 12);
}

const samples = (seconds) => Math.round(seconds * RATE);

/** 0 to 1 with a level start and end; clamped outside. */
const ramp = (x) => 0.5 - 0.5 * Math.cos(Math.PI * Math.min(1, Math.max(0, x)));

/** Noise in -1..1 that depends on the seed only (mulberry32). */
function noise(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** Moves from one frequency to another within `seconds`, by equal intervals, as an ear expects. */
export const glide = (from, to, seconds) => (t) => from * (to / from) ** Math.min(1, t / seconds);

/** A frequency that wanders like a voice, by about `amount` × 6 %. Good for one voice: it remembers. */
export function unsteady(frequency, amount, seed) {
  const random = noise(seed);
  let drift = 0;
  return (t) => frequency(t) * (1 + amount * (drift += 0.02 * (random() - drift)));
}

// Partials are [ratio to the note, level, how much faster than the note it dies away].
export const SINE = [[1, 1, 1]];
export const MELLOW = [[1, 1, 1], [2, 0.3, 1.6], [3, 0.1, 2.4]];
export const REED = [[1, 1, 1], [3, 0.28, 1], [5, 0.1, 1], [7, 0.04, 1]];
export const BRASS = Array.from({ length: 9 }, (_, k) => [k + 1, (k + 1) ** -1.1, 1 + k * 0.12]);
/** Hum, prime, minor third, fifth, nominal and above: the tuning of a cast bell. */
export const BELL = [
  [0.5, 0.45, 0.7], [1, 1, 1], [1.19, 0.6, 1.3], [1.5, 0.3, 1.6], [2, 0.75, 1.5], [2.51, 0.25, 2.6],
  [2.66, 0.22, 2.8], [3.01, 0.25, 3.2], [4.17, 0.2, 4.5], [5.43, 0.12, 6],
];
/** A bar that is free at both ends: wind chimes and glockenspiels. */
export const BAR = [[1, 1, 1], [2.756, 0.35, 3], [5.404, 0.12, 7]];

/** A note: partials under one attack and an exponential decay (`Infinity` holds the note). */
export function voice(note, seconds, { partials = SINE, attack = 0.005, decay = Infinity, release = 0.02 } = {}) {
  const frequency = typeof note === "function" ? note : () => note;
  const out = new Float64Array(samples(seconds));
  let phase = 0;
  for (let i = 0; i < out.length; i++) {
    const t = i / RATE;
    const f = frequency(t);
    let sum = 0;
    for (const [ratio, level, speed] of partials) {
      if (ratio * f < NYQUIST) sum += level * Math.exp((-t * speed) / decay) * Math.sin(TAU * ratio * phase);
    }
    out[i] = sum * ramp(t / attack) * ramp((seconds - t) / release);
    phase += f / RATE;
  }
  return out;
}

/** Karplus–Strong string: a burst of noise goes round a delay line that averages neighbours. */
export function string(frequency, seconds, { seed, brightness = 1500, damping = 0.996 }) {
  // The average delays by half a sample, hence the 0.5; the rest is interpolated to stay in tune.
  const period = RATE / frequency - 0.5;
  const whole = Math.floor(period);
  const fraction = period - whole;
  const out = new Float64Array(samples(seconds));
  const burst = withoutMean(lowpass(Float64Array.from({ length: whole }, noise(seed)), brightness));
  const at = (i) => (i < 0 ? 0 : out[i]);
  for (let i = 0; i < out.length; i++) {
    const [near, mid, far] = [at(i - whole), at(i - whole - 1), at(i - whole - 2)];
    const delayed = (1 - fraction) * (near + mid) + fraction * (mid + far);
    out[i] = (burst[i] ?? 0) + damping * 0.5 * delayed;
  }
  return out.map((x, i) => x * ramp(i / RATE / 0.002) * ramp((seconds - i / RATE) / 0.1));
}

// A constant in the burst would be the string's slowest mode and stay as an offset.
function withoutMean(sound) {
  const mean = sound.reduce((a, b) => a + b, 0) / sound.length;
  return sound.map((x) => x - mean);
}

/** One pole, 6 dB per octave. */
export function lowpass(sound, cutoff) {
  const keep = Math.exp((-TAU * cutoff) / RATE);
  let y = 0;
  return sound.map((x) => (y = (1 - keep) * x + keep * y));
}

function highpass(sound, cutoff) {
  const low = lowpass(sound, cutoff);
  return sound.map((x, i) => x - low[i]);
}

/** Resonances of a mouth, in parallel: each is [frequency, bandwidth, level]. */
export function formants(sound, resonances) {
  return mix(...resonances.map(([frequency, bandwidth, level]) => {
    const r = Math.exp((-Math.PI * bandwidth) / RATE);
    const turn = 2 * r * Math.cos((TAU * frequency) / RATE);
    let [y1, y2] = [0, 0];
    return [0, sound.map((x) => ([y1, y2] = [(1 - r) * x + turn * y1 - r * r * y2, y1])[0]), level];
  }));
}

/** Puts sounds together; each is [start in seconds, sound, level]. */
export function mix(...parts) {
  const out = new Float64Array(Math.max(...parts.map(([at, sound]) => samples(at) + sound.length)));
  for (const [at, sound, level = 1] of parts) {
    const start = samples(at);
    sound.forEach((x, i) => (out[start + i] += level * x));
  }
  return out;
}

/** Repeats that come back darker each time. `master` cuts the tail. */
export function echo(sound, { delay, level, times = 3 }) {
  const parts = [[0, sound, 1]];
  for (let k = 1, wet = sound; k <= times; k++) {
    wet = lowpass(wet, 2500);
    parts.push([k * delay, wet, level ** k]);
  }
  return mix(...parts);
}

/** How loud it seems, in dB: power of the loudest `EAR` seconds, low notes counting less. */
export function loudness(sound) {
  const weighted = highpass(sound, EAR_CUTOFF);
  const window = samples(EAR);
  let [power, loudest] = [0, 0];
  weighted.forEach((x, i) => {
    power += x * x - (weighted[i - window] ?? 0) ** 2;
    loudest = Math.max(loudest, power);
  });
  return 10 * Math.log10(loudest / window);
}

/** Cuts to length, fades both ends, removes the offset and brings to the common loudness. */
export function master(sound, seconds) {
  const window = Float64Array.from({ length: samples(seconds) }, (_, i) =>
    ramp(i / samples(FADE_IN)) * ramp((samples(seconds) - 1 - i) / samples(FADE_OUT)));
  const faded = window.map((w, i) => w * (sound[i] ?? 0));
  // The offset is taken away in the window's shape, so that the ends stay at zero.
  const offset = faded.reduce((a, b) => a + b, 0) / window.reduce((a, b) => a + b, 0);
  const level = faded.map((x, i) => x - offset * window[i]);
  const gain = 10 ** ((TARGET_DB - loudness(level)) / 20);
  const peak = gain * level.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  if (peak > PEAK) throw new RangeError(`peak ${peak.toFixed(2)} above ${PEAK}: the recipe is too spiky`);
  return level.map((x) => gain * x);
}
