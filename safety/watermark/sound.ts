import { createHmac } from 'node:crypto';
import type { PcmAudio } from '../../core/media.js';
import { decodings } from './convolutional-code.js';
import type { Detection } from './detection.js';
import { CODED_BITS, codedBits, payloadIn } from './message.js';
import { toHex } from './payload.js';
import { levels, reweighted } from './sound-spectrum.js';

/**
 * Inaudible watermark of a sound at 48 kHz: spread spectrum in the logarithm of the spectrum. Time and pitch are cut
 * into cells (85 ms by 70 Hz, 350 Hz to 6.9 kHz); each cell is made a little louder or softer by a keyed sign times
 * a coded bit. The pattern of signs comes back about every second, so that longer sounds repeat the message.
 * After Kirovski and Malvar 2003, "Spread-Spectrum Watermarking of Audio Signals".
 */
const WINDOWS_PER_SLOT = 8;
const SLOTS = 12;
const BINS_PER_BAND = 3;
const FIRST_BIN = 15;
const BANDS = 93;
const CELLS = SLOTS * BANDS;
/** One cell in four is a pilot, whose bit is known. */
const PILOT_EVERY = 4;
/** Signal-to-noise ratios to try, in dB: the best that reads back with room to spare is used. */
const RATIOS_DB = [25.3, 23, 20, 17, 14, 11];
/** The most a cell is made louder or softer, in dB. */
const MOST_CHANGE_DB = 3;
/** How far a coded bit's share may move from its nominal one. */
const LEAST_SHARE = 0.3;
const MOST_SHARE = 2.2;
/** Where a cell's contrast is cut off: single notes must not outvote the rest. */
const LIMIT_DB = 6;
/** What a mark must score before anything is believed: as it was made, and when its start is searched for. */
const Z_AS_MADE = 4.5;
const Z_SEARCHED = 6.5;
const Z_TO_SPARE = 7;
/** Messages that are tried after the likeliest. */
const ALTERNATIVES = 12;
/** Cells this far below the loudest do not survive coding and carry nothing worth reading. */
const AUDIBLE_RANGE_DB = 85;
/**
 * Pure tones leave most cells empty, and what is not there cannot carry anything: such sounds get a breath of
 * noise, this far below their own level.
 */
const BREATHS_DB = [undefined, -52, -46, -40];

interface Plan {
  readonly sign: Int8Array;
  /** Coded bit of a cell, -1 for a pilot. */
  readonly bit: Int16Array;
}

const plans = new Map<string, Plan>();

function planOf(key: Uint8Array): Plan {
  const name = Buffer.from(key).toString('hex');
  const known = plans.get(name);
  if (known !== undefined) return known;
  const random: number[] = [];
  for (let counter = 0; random.length < 4 * CELLS; counter++) {
    const block = createHmac('sha256', key).update(`sound ${counter}`).digest();
    for (let at = 0; at < block.length; at += 4) random.push(block.readUInt32BE(at) / 2 ** 32);
  }
  const take = (): number => random.pop() ?? 0;
  const order = Array.from({ length: CELLS }, (_, cell) => cell);
  for (let i = CELLS - 1; i > 0; i--) {
    const j = Math.floor(take() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const bit = new Int16Array(CELLS).fill(-1);
  let next = 0;
  order.forEach((cell, index) => {
    if (index % PILOT_EVERY !== 0) bit[cell] = next++ % CODED_BITS;
  });
  const plan = { sign: Int8Array.from({ length: CELLS }, () => (take() < 0.5 ? -1 : 1)), bit };
  plans.set(name, plan);
  return plan;
}

function middle(sound: PcmAudio): Float32Array {
  const [left, right = left] = sound.channels;
  return left.map((sample, index) => (sample + right[index]) / 2);
}

interface Contrast {
  /** What a cell's level is beside what its neighbours let expect, in dB; 0 where nothing can be heard. */
  readonly value: Float32Array;
  readonly slots: number;
}

/** Cells of a spectrum, `[slots * BANDS]`, and how each differs from the plane through its eight neighbours. */
function cellContrast(spectrum: readonly Float32Array[], firstWindow: number): Contrast {
  const slots = Math.max(0, Math.floor((spectrum.length - firstWindow) / WINDOWS_PER_SLOT));
  const level = new Float32Array(slots * BANDS);
  for (let slot = 0; slot < slots; slot++) {
    for (let band = 0; band < BANDS; band++) {
      let sum = 0;
      // The outer windows of a slot overlap its neighbours.
      for (let window = 1; window < WINDOWS_PER_SLOT - 1; window++) {
        const row = spectrum[firstWindow + slot * WINDOWS_PER_SLOT + window];
        for (let bin = 0; bin < BINS_PER_BAND; bin++) sum += row[FIRST_BIN + band * BINS_PER_BAND + bin];
      }
      level[slot * BANDS + band] = sum / ((WINDOWS_PER_SLOT - 2) * BINS_PER_BAND);
    }
  }
  const loudest = level.reduce((most, each) => Math.max(most, each), -200);
  const value = new Float32Array(level.length);
  for (let slot = 0; slot < slots; slot++) {
    // At the edges of time and pitch, the neighbour on the other side counts twice.
    const before = slot > 0 ? -BANDS : slots > 1 ? BANDS : 0;
    const after = slot < slots - 1 ? BANDS : before;
    for (let band = 0; band < BANDS; band++) {
      const at = slot * BANDS + band;
      if (level[at] < loudest - AUDIBLE_RANGE_DB) continue;
      const below = band > 0 ? -1 : 1;
      const above = band < BANDS - 1 ? 1 : -1;
      const near = level[at + before] + level[at + after] + level[at + below] + level[at + above];
      const far =
        level[at + before + below] +
        level[at + before + above] +
        level[at + after + below] +
        level[at + after + above];
      const expected = (2 * near - far) / 4;
      value[at] = Math.max(-LIMIT_DB, Math.min(LIMIT_DB, level[at] - expected));
    }
  }
  return { value, slots };
}

interface Reading {
  readonly z: number;
  readonly payload: string | undefined;
}

function read(contrast: Contrast, plan: Plan, phase: number, minimumZ: number): Reading {
  const soft = new Float64Array(CODED_BITS);
  let pilots = 0;
  let energy = 0;
  for (let slot = 0; slot < contrast.slots; slot++) {
    for (let band = 0; band < BANDS; band++) {
      const cell = ((slot + phase) % SLOTS) * BANDS + band;
      const value = contrast.value[slot * BANDS + band];
      if (plan.bit[cell] === -1) {
        pilots += plan.sign[cell] * value;
        energy += value * value;
      } else soft[plan.bit[cell]] += plan.sign[cell] * value;
    }
  }
  const z = energy === 0 ? 0 : pilots / Math.sqrt(energy);
  if (z < minimumZ) return { z, payload: undefined };
  for (const bits of decodings(soft, ALTERNATIVES)) {
    const payload = payloadIn(bits);
    if (payload !== undefined) return { z, payload };
  }
  return { z, payload: undefined };
}

/** The sound with white noise of the given level beside its own root mean square. */
function breathed(sound: PcmAudio, decibels: number): PcmAudio {
  let power = 0;
  for (const channel of sound.channels) for (const sample of channel) power += sample ** 2;
  const rms = Math.sqrt(power / (sound.channels.length * Math.max(1, sound.channels[0].length)));
  // Uniform numbers in -1..1 have a deviation of 1/sqrt(3).
  const size = rms * 10 ** (decibels / 20) * Math.sqrt(3);
  let state = 0x2545f491;
  const noise = Float32Array.from(sound.channels[0], () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return size * (state / 2 ** 31);
  });
  return {
    ...sound,
    channels: sound.channels.map((channel) => channel.map((sample, at) => sample + noise[at])),
  };
}

/**
 * A copy of a 48 kHz sound that carries the payload (6 bytes). Cells that hold most of the energy are changed least;
 * coded bits that the sound itself pushes the wrong way get more, those it helps get less. The same sound, payload
 * and key give the same samples.
 */
export function embedSound(sound: PcmAudio, payload: Uint8Array, key: Uint8Array): PcmAudio {
  const plan = planOf(key);
  const coded = codedBits(payload);
  const wanted = toHex(payload);
  let marked = sound;
  for (const breath of BREATHS_DB) {
    const host = breath === undefined ? sound : breathed(sound, breath);
    const spectrum = levels(middle(host));
    const contrast = cellContrast(spectrum, 0);
    const energy = cellEnergy(spectrum, contrast.slots);
    const total = totalEnergy(spectrum);
    for (const ratio of RATIOS_DB) {
      const at = (decibels: number): PcmAudio => {
        const noise = total * 10 ** (-decibels / 10);
        return weighted(host, cellChanges(contrast, energy, plan, coded, noise), contrast.slots);
      };
      // Windows overlap and channels differ, so the noise is only nearly what was asked; the second time it is.
      marked = at(2 * ratio - signalToNoise(host, at(ratio)));
      const reading = read(cellContrast(levels(middle(marked)), 0), plan, 0, Z_AS_MADE);
      if (reading.payload === wanted && reading.z >= Z_TO_SPARE) return marked;
    }
  }
  return marked;
}

/** In dB, all channels together. */
function signalToNoise(original: PcmAudio, changed: PcmAudio): number {
  let signal = 0;
  let noise = 0;
  original.channels.forEach((channel, at) => {
    const other = changed.channels[at];
    for (let i = 0; i < channel.length; i++) {
      signal += channel[i] * channel[i];
      noise += (channel[i] - other[i]) * (channel[i] - other[i]);
    }
  });
  return signal === 0 || noise === 0 ? 0 : 10 * Math.log10(signal / noise);
}

function totalEnergy(spectrum: readonly Float32Array[]): number {
  let energy = 0;
  for (const row of spectrum) for (const level of row) energy += 10 ** (level / 10);
  return energy;
}

/** Energy of each cell; unlike the level, which is a mean of logarithms, it counts the loudest bins most. */
function cellEnergy(spectrum: readonly Float32Array[], slots: number): Float64Array {
  const energy = new Float64Array(slots * BANDS);
  for (let window = 0; window < slots * WINDOWS_PER_SLOT; window++) {
    const row = Math.floor(window / WINDOWS_PER_SLOT) * BANDS;
    for (let bin = 0; bin < BANDS * BINS_PER_BAND; bin++)
      energy[row + Math.floor(bin / BINS_PER_BAND)] += 10 ** (spectrum[window][FIRST_BIN + bin] / 10);
  }
  return energy;
}

/** The share of a coded bit's or of the pilots' nominal strength, from how far the host pushes them the right way. */
function shareOf(target: number, push: number): number {
  return Math.max(LEAST_SHARE, Math.min(MOST_SHARE, target - push));
}

/** The change of every cell in dB that makes so much noise; what costs least noise changes most. */
function cellChanges(
  { value, slots }: Contrast,
  energy: Float64Array,
  plan: Plan,
  coded: readonly number[],
  noise: number,
): Float64Array {
  const count = slots * BANDS;
  const sign = new Int8Array(count);
  const group = new Int16Array(count);
  for (let at = 0; at < count; at++) {
    const cell = (Math.floor(at / BANDS) % SLOTS) * BANDS + (at % BANDS);
    const bit = plan.bit[cell];
    sign[at] = plan.sign[cell] * (bit !== -1 && coded[bit] ? -1 : 1);
    // Pilots are a group of their own.
    group[at] = bit === -1 ? CODED_BITS : bit;
  }
  // A change of d dB makes noise of (ln 10 / 20 * d)^2 of the cell's energy.
  const perDb = (Math.LN10 / 20) ** 2;
  const ordered = [...energy].sort((a, b) => a - b);
  let changes: Float64Array = new Float64Array(count);
  let low = ordered[0] * 1e-3;
  let high = ordered[count - 1] * 1e3;
  for (let step = 0; step < 24; step++) {
    const worth = Math.sqrt(low * high);
    const nominal = energy.map((each) => Math.min(MOST_CHANGE_DB, worth / each));
    changes = informedChanges(value, nominal, sign, group);
    let made = 0;
    for (let at = 0; at < count; at++) made += perDb * changes[at] * changes[at] * energy[at];
    if (made > noise) high = worth;
    else low = worth;
  }
  return changes;
}

/** Nominal changes times their signs and the shares of their groups: informed embedding, as for pictures. */
function informedChanges(
  value: Float32Array,
  nominal: Float64Array,
  sign: Int8Array,
  group: Int16Array,
): Float64Array {
  const pushed = new Float64Array(CODED_BITS + 1);
  const strength = new Float64Array(CODED_BITS + 1);
  for (let at = 0; at < nominal.length; at++) {
    pushed[group[at]] += sign[at] * value[at];
    strength[group[at]] += nominal[at];
  }
  const push = pushed.map((each, index) => (strength[index] === 0 ? 0 : each / strength[index]));
  const data = push.subarray(0, CODED_BITS);
  const deviation = Math.sqrt(data.reduce((sum, each) => sum + each * each, 0) / CODED_BITS);
  const scale = 1 / Math.max(1, deviation);
  let low = -3;
  let high = 6;
  for (let step = 0; step < 14; step++) {
    const target = (low + high) / 2;
    const power = data.reduce((sum, each) => sum + shareOf(target, each * scale) ** 2, 0) / CODED_BITS;
    if (power > 1) high = target;
    else low = target;
  }
  const shares = push.map((each, index) => (index === CODED_BITS ? 1 : shareOf(low, each * scale)));
  return nominal.map((each, at) => sign[at] * each * shares[group[at]]);
}

/** Every cell made louder or softer by so many dB. */
function weighted(host: PcmAudio, changesDb: Float64Array, slots: number): PcmAudio {
  const gains = changesDb.map((change) => 10 ** (change / 20));
  const gainOf = (window: number, bin: number): number => {
    const band = Math.floor((bin - FIRST_BIN) / BINS_PER_BAND);
    const slot = Math.floor(window / WINDOWS_PER_SLOT);
    return bin < FIRST_BIN || band >= BANDS || slot >= slots ? 1 : gains[slot * BANDS + band];
  };
  return { ...host, channels: host.channels.map((channel) => reweighted(channel, gainOf)) };
}

/** Looks for the mark of a 48 kHz sound, from its start and, in excerpts, from every start. */
export function detectSound(sound: PcmAudio, key: Uint8Array, search = true): Detection {
  const plan = planOf(key);
  const spectrum = levels(middle(sound));
  const first = read(cellContrast(spectrum, 0), plan, 0, Z_AS_MADE);
  if (first.payload !== undefined) return { found: true, payload: first.payload, confidence: first.z };
  let confidence = Math.max(0, first.z);
  for (let offset = 0; search && offset < WINDOWS_PER_SLOT; offset++) {
    const contrast = cellContrast(spectrum, offset);
    for (let phase = 0; phase < SLOTS; phase++) {
      const { z, payload } = read(contrast, plan, phase, Z_SEARCHED);
      if (payload !== undefined) return { found: true, payload, confidence: z };
      confidence = Math.max(confidence, z);
    }
  }
  return { found: false, confidence };
}

/** The payload of a 48 kHz sound in lower-case hex; undefined where there is none. */
export function findSoundMark(sound: PcmAudio, key: Uint8Array, search = false): string | undefined {
  const found = detectSound(sound, key, search);
  return found.found ? found.payload : undefined;
}
