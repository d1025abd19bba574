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
/** Strengths to try, in dB: the softest that reads back with room to spare is used. */
const STRENGTHS_DB = [0.7, 1, 1.4, 2, 2.8, 4];
/** What a mark must score before anything is believed: as it was made, and when its start is searched for. */
const Z_AS_MADE = 4.5;
const Z_SEARCHED = 6.5;
const Z_TO_SPARE = 6;
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

/** Level of each cell beside its neighbours in dB, and whether it can be heard: `[slots * BANDS]`. */
function cellContrast(
  spectrum: readonly Float32Array[],
  firstWindow: number,
): { value: Float32Array; slots: number } {
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
    for (let band = 0; band < BANDS; band++) {
      const at = slot * BANDS + band;
      if (level[at] < loudest - AUDIBLE_RANGE_DB) continue;
      let sum = 0;
      let count = 0;
      for (const [there, exists] of [
        [at - BANDS, slot > 0],
        [at + BANDS, slot < slots - 1],
        [at - 1, band > 0],
        [at + 1, band < BANDS - 1],
      ] as const) {
        if (!exists) continue;
        sum += level[there];
        count += 1;
      }
      value[at] = count === 0 ? 0 : Math.max(-6, Math.min(6, level[at] - sum / count));
    }
  }
  return { value, slots };
}

interface Reading {
  readonly z: number;
  readonly payload: string | undefined;
}

function read(
  contrast: { value: Float32Array; slots: number },
  plan: Plan,
  phase: number,
  minimumZ: number,
): Reading {
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
  for (const bits of decodings(soft)) {
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
 * A copy of a 48 kHz sound that carries the payload (6 bytes). Cells that the sound itself pushes the wrong way get
 * more, those it helps get less; the same sound, payload and key give the same samples.
 */
export function embedSound(sound: PcmAudio, payload: Uint8Array, key: Uint8Array): PcmAudio {
  const plan = planOf(key);
  const coded = codedBits(payload);
  const wanted = toHex(payload);
  let marked = sound;
  for (const breath of BREATHS_DB) {
    const host = breath === undefined ? sound : breathed(sound, breath);
    const contrast = cellContrast(levels(middle(host)), 0);
    for (const strength of STRENGTHS_DB) {
      marked = weighted(host, contrast, plan, coded, strength);
      const reading = read(cellContrast(levels(middle(marked)), 0), plan, 0, Z_AS_MADE);
      if (reading.payload === wanted && reading.z >= Z_TO_SPARE) return marked;
    }
  }
  return marked;
}

/** Every cell made louder or softer by its sign, its coded bit and the strength in dB. */
function weighted(
  host: PcmAudio,
  contrast: { value: Float32Array; slots: number },
  plan: Plan,
  coded: readonly number[],
  strength: number,
): PcmAudio {
  const gains = Float64Array.from({ length: (contrast.slots + 1) * BANDS }, (_, at) => {
    const cell = (Math.floor(at / BANDS) % SLOTS) * BANDS + (at % BANDS);
    const bit = plan.bit[cell];
    const sign = plan.sign[cell] * (bit !== -1 && coded[bit] ? -1 : 1);
    const helps = sign * (contrast.value[at] ?? 0);
    const share = helps > 1.5 ? 0.5 : helps < -1.5 ? 1.5 : 1;
    return 10 ** ((sign * strength * share) / 20);
  });
  const gainOf = (window: number, bin: number): number => {
    const band = Math.floor((bin - FIRST_BIN) / BINS_PER_BAND);
    if (bin < FIRST_BIN || band >= BANDS) return 1;
    return gains[Math.floor(window / WINDOWS_PER_SLOT) * BANDS + band] ?? 1;
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
