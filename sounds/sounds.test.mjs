// What a notification sound must be, measured on the committed files: `node --test sounds/`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loudness } from "./synth.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const RATE = 24000;
const NAMES = [
  "arpeggio", "attention", "bell", "chime", "demo", "droplet", "dwarf",
  "error", "error1", "error2", "finally", "friend", "office", "pluck",
];

const bytesOf = (name) => readFileSync(join(HERE, `${name}.wav`));

function samplesOf(name) {
  const bytes = bytesOf(name);
  return Float64Array.from({ length: (bytes.length - 44) / 2 }, (_, i) => bytes.readInt16LE(44 + 2 * i) / 32768);
}

const peak = (sound) => sound.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
const rms = (sound) => Math.sqrt(sound.reduce((sum, x) => sum + x * x, 0) / sound.length);

/** Unweighted, of the loudest 200 ms in steps of 10. */
function loudRms(sound) {
  let loudest = 0;
  for (let i = 0; i + 4800 <= sound.length; i += 240) loudest = Math.max(loudest, rms(sound.subarray(i, i + 4800)));
  return 20 * Math.log10(loudest);
}

const FRAME = 1200; // 50 ms
const FRAMES = 28; // 1.4 s
const WINDOW = 480; // 20 ms, hence bins of 50 Hz
const BIN = RATE / WINDOW;
const BANDS = 24; // three to an octave from 50 Hz
const COS = Float64Array.from({ length: WINDOW }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
const HANN = COS.map((c) => 0.5 - 0.5 * c);

/** Energy by frame and by third of an octave, as one vector; level does not matter to `distance`. */
function picture(sound) {
  const cells = new Float64Array(FRAMES * BANDS);
  for (let start = 0; start + WINDOW <= sound.length; start += WINDOW / 2) {
    const frame = Math.floor((start + WINDOW / 2) / FRAME);
    for (let bin = 1; bin < WINDOW / 2; bin++) {
      let [re, im] = [0, 0];
      for (let i = 0; i < WINDOW; i++) {
        const x = sound[start + i] * HANN[i];
        re += x * COS[(bin * i) % WINDOW];
        im += x * COS[(bin * i + WINDOW / 4) % WINDOW];
      }
      const band = Math.min(BANDS - 1, Math.round(3 * Math.log2((bin * BIN) / 50)));
      if (frame < FRAMES) cells[frame * BANDS + band] += re * re + im * im;
    }
  }
  return cells.map(Math.sqrt);
}

/** 0 for the same picture, 1 for two that share no cell. */
function distance(a, b) {
  const dot = (p, q) => p.reduce((sum, x, i) => sum + x * q[i], 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The nearest two sounds are 0.32 apart; the same sound 10 ms later is below 0.1. */
const DISTINCT = 0.25;

/** Runs make.mjs in a copy of the folder, so that a test may spoil files. */
function inCopy(body) {
  const folder = mkdtempSync(join(tmpdir(), "sounds-"));
  try {
    cpSync(HERE, folder, { recursive: true });
    body(folder, (...args) => spawnSync(process.execPath, [join(folder, "make.mjs"), ...args], { encoding: "utf8" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function shift(file, sample, by) {
  const bytes = readFileSync(file);
  bytes.writeInt16LE(bytes.readInt16LE(44 + 2 * sample) + by, 44 + 2 * sample);
  writeFileSync(file, bytes);
}

test("every name has a file and no file is left over", () => {
  const files = readdirSync(HERE).filter((file) => file.endsWith(".wav")).sort();
  assert.deepEqual(files, NAMES.map((name) => `${name}.wav`));
});

test("all together stay small", () => {
  const total = NAMES.reduce((sum, name) => sum + bytesOf(name).length, 0);
  assert.ok(total <= 800_000, `${total} bytes`);
});

test("README has a line for each", () => {
  const readme = readFileSync(join(HERE, "README.md"), "utf8");
  for (const name of NAMES) assert.ok(readme.includes(`| \`${name}\` |`), name);
});

for (const name of NAMES) {
  test(`${name}: header is PCM, mono, 24000 Hz, 16 bits`, () => {
    const bytes = bytesOf(name);
    const u32 = (n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];
    assert.deepEqual([...bytes.subarray(0, 44)], [
      ...Buffer.from("RIFF"), ...u32(bytes.length - 8), ...Buffer.from("WAVE"),
      ...Buffer.from("fmt "), ...u32(16), 1, 0, 1, 0, ...u32(24000), ...u32(48000), 2, 0, 16, 0,
      ...Buffer.from("data"), ...u32(bytes.length - 44),
    ]);
    assert.equal(bytes.length % 2, 0);
  });

  test(`${name}: length, level and offset`, () => {
    const sound = samplesOf(name);
    const seconds = sound.length / RATE;
    assert.ok(seconds >= 0.3 && seconds <= 1.4, `${seconds} s`);
    assert.ok(peak(sound) <= 0.89, `peak ${peak(sound)}`);
    assert.ok(Math.abs(loudness(sound) + 18) < 0.1, `loudness ${loudness(sound)} dB`);
    assert.ok(loudRms(sound) >= -20 && loudRms(sound) <= -13, `RMS ${loudRms(sound)} dB`);
    const mean = sound.reduce((sum, x) => sum + x, 0) / sound.length;
    assert.ok(Math.abs(mean) < 1e-4, `offset ${mean}`);
  });

  test(`${name}: starts and ends without a click`, () => {
    const sound = samplesOf(name);
    const top = peak(sound);
    assert.equal(sound[0], 0);
    assert.equal(sound.at(-1), 0);
    assert.ok(peak(sound.subarray(0, 6)) < 0.05 * top, "first 0.25 ms");
    assert.ok(peak(sound.subarray(-192)) < 0.06 * top, "last 8 ms");
    assert.ok(peak(sound.subarray(-24)) < 0.005 * top, "last 1 ms");
  });
}

test("any two can be told apart", () => {
  const pictures = NAMES.map((name) => picture(samplesOf(name)));
  for (let a = 0; a < NAMES.length; a++) {
    for (let b = 0; b < a; b++) {
      const apart = distance(pictures[a], pictures[b]);
      assert.ok(apart > DISTINCT, `${NAMES[a]} and ${NAMES[b]} are ${apart.toFixed(2)} apart`);
    }
  }
});

test("the same sound, softer or a moment later, counts as the same", () => {
  for (const name of NAMES) {
    const sound = samplesOf(name);
    const softer = sound.map((x) => x / 2);
    const later = new Float64Array(sound.length + 240);
    later.set(sound, 240);
    assert.ok(distance(picture(sound), picture(softer)) < 1e-9, name);
    assert.ok(distance(picture(sound), picture(later)) < DISTINCT / 2, name);
  }
});

test("--check is silent on the committed files", () => {
  const run = spawnSync(process.execPath, [join(HERE, "make.mjs"), "--check"], { encoding: "utf8" });
  assert.deepEqual([run.status, run.stdout, run.stderr], [0, "", ""]);
});

test("--check allows one step of a sample and names a file that is further off", () => inCopy((folder, make) => {
  shift(join(folder, "bell.wav"), 5000, 1);
  assert.deepEqual([make("--check").status, make("--check").stdout], [0, ""]);
  shift(join(folder, "bell.wav"), 5000, 1);
  rmSync(join(folder, "pluck.wav"));
  const { status, stdout } = make("--check");
  assert.equal(status, 1);
  assert.match(stdout, /^bell\.wav: sample 5000 is -?\d+ instead of -?\d+\npluck\.wav: missing\n$/);
}));

test("--check sees a shorter file and another header", () => inCopy((folder, make) => {
  writeFileSync(join(folder, "bell.wav"), bytesOf("bell").subarray(0, 1000));
  const fast = bytesOf("chime");
  fast.writeUInt32LE(48000, 24);
  writeFileSync(join(folder, "chime.wav"), fast);
  assert.equal(make("--check").stdout, `bell.wav: 1000 bytes instead of ${bytesOf("bell").length}\nchime.wav: other header\n`);
}));

test("without arguments it writes what is missing", () => inCopy((folder, make) => {
  for (const name of NAMES) rmSync(join(folder, `${name}.wav`));
  assert.equal(make().status, 0);
  assert.equal(make("--check").status, 0);
}));

test("other arguments get one line and exit 2", () => inCopy((_, make) => {
  for (const args of [["--chekc"], ["--check", "bell"], [""]]) {
    const { status, stdout, stderr } = make(...args);
    assert.deepEqual([status, stdout, stderr.split("\n").length], [2, "", 2]);
    assert.match(stderr, /--check/);
  }
}));
