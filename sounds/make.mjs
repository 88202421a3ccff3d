// The recipes of the notification sounds, and the program that writes them as WAV files beside itself.
// `node make.mjs` writes all; `node make.mjs --check` only tells which files differ from their recipe.

import { readFileSync, writeFileSync } from "node:fs";
import {
  BAR, BELL, BRASS, MELLOW, RATE, REED,
  echo, formants, glide, hz, lowpass, master, mix, string, unsteady, voice,
} from "./synth.mjs";

/** RIFF header, "fmt " chunk of 16 bytes, "data" header. */
const HEADER_BYTES = 44;
/** Another engine's Math.sin may round the other way: one step of a 16-bit sample. */
const TOLERANCE = 1;

const keys = (note, seconds, decay) => voice(hz(note), seconds, { partials: MELLOW, decay });
const bar = (note, seconds, decay) => voice(hz(note), seconds, { partials: BAR, attack: 0.002, decay });

/** Same sound at several moments: [[at, note, level], …]. */
const melody = (notes, play) => mix(...notes.map(([at, note, level = 1]) => [at, play(note), level]));

function arpeggio() {
  const notes = [[0, "C5"], [0.1, "E5"], [0.2, "G5"], [0.3, "C6"]];
  return echo(melody(notes, (note) => keys(note, 0.6, 0.16)), { delay: 0.13, level: 0.3 });
}

function attention() {
  const beep = voice(hz("E6"), 0.09, { partials: REED, attack: 0.006, release: 0.03 });
  return mix([0, beep], [0.15, beep]);
}

const bell = () => voice(hz("G5"), 1.4, { partials: BELL, attack: 0.002, decay: 0.5 });

// Unevenly spaced, as wind would.
function chime() {
  const notes = [
    [0, "D7", 0.8], [0.11, "A6"], [0.17, "E7", 0.5], [0.39, "B6", 0.8], [0.52, "F#7", 0.45], [0.6, "A6", 0.5],
  ];
  return melody(notes, (note) => bar(note, 0.75, 0.22));
}

// A phrase that passes through three of the instruments.
function demo() {
  const low = [[0, "G3", 0.9], [0.36, "D4", 0.8]];
  const top = [[0.18, "B5", 0.35], [0.27, "D6", 0.35], [0.54, "G6", 0.4]];
  const strings = melody(low, (note) => string(hz(note), 0.8, { seed: 7 }));
  const chord = melody([[0, "G4"], [0, "B4"], [0, "D5"]], (note) => keys(note, 0.8, 0.25));
  return mix([0, strings, 1.3], [0, melody(top, (note) => bar(note, 0.6, 0.15))], [0.72, chord, 0.3]);
}

function droplet() {
  const drop = (from, to) => voice(glide(from, to, 0.07), 0.16, { attack: 0.004, decay: 0.045 });
  return echo(mix([0, drop(420, 1500)], [0.13, drop(560, 1900), 0.4]), { delay: 0.09, level: 0.2, times: 2 });
}

// "Hum-hm": a rough throat, and a mouth that is nearly shut.
function dwarf() {
  const grunt = (from, to, seconds, seed) => {
    const throat = voice(unsteady(glide(from, to, seconds), 0.5, seed), seconds, {
      partials: Array.from({ length: 30 }, (_, k) => [k + 1, 1 / (k + 1), 1]), attack: 0.03, release: 0.09,
    });
    return formants(throat, [[430, 90, 1], [820, 120, 0.6], [2300, 250, 0.15]]);
  };
  return mix([0, grunt(105, 92, 0.14, 3), 0.7], [0.16, grunt(112, 72, 0.28, 4)]);
}

// A falling minor third, as a doorbell in a bad mood.
const error = () => mix([0, keys("G4", 0.3, 0.14)], [0.17, keys("E4", 0.45, 0.16)]);

// "Uh-uh": the same low note twice.
function error1() {
  const buzz = (seconds) => lowpass(voice(hz("F3"), seconds, { partials: BRASS, attack: 0.012, release: 0.05 }), 700);
  return mix([0, buzz(0.13)], [0.19, buzz(0.26)]);
}

// Three steps down, and the last one sinks.
function error2() {
  const reed = (note, seconds) => lowpass(voice(note, seconds, { partials: REED, attack: 0.02, release: 0.05 }), 1200);
  const sinking = reed(glide(hz("C4"), hz("Ab3"), 0.45), 0.5);
  return mix([0, reed(hz("D4"), 0.17)], [0.2, reed(hz("Db4"), 0.17)], [0.4, sinking]);
}

// The underscore because `finally` is a keyword.
function finally_() {
  const shape = { partials: BRASS, attack: 0.025, release: 0.06, decay: 1.2 };
  const brass = (seconds) => (note) => lowpass(voice(hz(note), seconds, shape), 2600);
  const calls = melody([[0, "G4"], [0.13, "G4"], [0.26, "G4"]], brass(0.11));
  const chord = melody([[0, "C5"], [0, "E5", 0.6], [0, "G5", 0.6]], brass(0.62));
  return echo(mix([0, calls, 1.2], [0.39, chord, 0.8]), { delay: 0.11, level: 0.22 });
}

// Two voices a hair apart beat slowly, which reads as warmth.
function friend() {
  const shape = { partials: MELLOW, attack: 0.04, decay: 0.3, release: 0.1 };
  const warm = (note) => mix([0, voice(hz(note), 0.65, shape), 0.7], [0, voice(hz(note) * 1.004, 0.65, shape), 0.3]);
  return echo(mix([0, warm("A4"), 0.8], [0.2, warm("D5")]), { delay: 0.17, level: 0.2 });
}

// A desk phone: two tones change places every 45 ms, two rings.
function office() {
  const warble = (t) => (Math.floor(t / 0.045) % 2 ? hz("C#6") : hz("A5"));
  const ring = voice(warble, 0.36, { partials: MELLOW, attack: 0.01, release: 0.03 });
  return echo(mix([0, ring], [0.48, ring]), { delay: 0.06, level: 0.12, times: 2 });
}

const pluck = () => string(hz("A3"), 0.9, { seed: 11 });

/** Name, recipe, seconds. */
const SOUNDS = [
  ["arpeggio", arpeggio, 1.0],
  ["attention", attention, 0.3],
  ["bell", bell, 1.4],
  ["chime", chime, 1.3],
  ["demo", demo, 1.4],
  ["droplet", droplet, 0.45],
  ["dwarf", dwarf, 0.46],
  ["error", error, 0.6],
  ["error1", error1, 0.46],
  ["error2", error2, 0.9],
  ["finally", finally_, 1.25],
  ["friend", friend, 1.0],
  ["office", office, 0.95],
  ["pluck", pluck, 0.9],
];

/** RIFF, PCM, mono, 16 bits. */
function wav(sound) {
  const bytes = Buffer.alloc(HEADER_BYTES + 2 * sound.length);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(1, 22); // channels
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(2 * sound.length, 40);
  sound.forEach((x, i) => bytes.writeInt16LE(Math.round(x * 32767), HEADER_BYTES + 2 * i));
  return bytes;
}

/** What is wrong with the file's bytes, or nothing. */
function difference(file, wanted) {
  if (file === undefined) return "missing";
  if (file.length !== wanted.length) return `${file.length} bytes instead of ${wanted.length}`;
  if (!file.subarray(0, HEADER_BYTES).equals(wanted.subarray(0, HEADER_BYTES))) return "other header";
  for (let i = HEADER_BYTES; i < file.length; i += 2) {
    const [is, should] = [file.readInt16LE(i), wanted.readInt16LE(i)];
    if (Math.abs(is - should) > TOLERANCE) return `sample ${(i - HEADER_BYTES) / 2} is ${is} instead of ${should}`;
  }
}

function readIfThere(url) {
  try {
    return readFileSync(url);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

const fileOf = (name) => new URL(`${name}.wav`, import.meta.url);
const bytesOf = ([, recipe, seconds]) => wav(master(recipe(), seconds));

function write() {
  for (const sound of SOUNDS) writeFileSync(fileOf(sound[0]), bytesOf(sound));
  return 0;
}

function check() {
  let failed = 0;
  for (const sound of SOUNDS) {
    const wrong = difference(readIfThere(fileOf(sound[0])), bytesOf(sound));
    if (wrong === undefined) continue;
    console.log(`${sound[0]}.wav: ${wrong}`);
    failed = 1;
  }
  return failed;
}

function main(args) {
  if (args.length === 0) return write();
  if (args.length === 1 && args[0] === "--check") return check();
  console.error(`make.mjs: cannot use "${args.join(" ")}"; give nothing to write the sounds, or --check`);
  return 2;
}

process.exitCode = main(process.argv.slice(2));
