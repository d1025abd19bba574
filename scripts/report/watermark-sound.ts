import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PcmAudio } from '../../core/media.js';
import { decodeAudio } from '../../daemon/media/encode-audio.js';
import { findFfmpeg } from '../../daemon/media/find-ffmpeg.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectSound, embedSound } from '../../safety/watermark/sound.js';
import { attackTable, type Attempt } from './attack-table.js';
import { replaceSection } from './report-file.js';

/**
 * Measures the sound watermark on the first 12 seconds of each sound of some folders; shorter ones are left out:
 *
 *   npm run build && node dist/scripts/report/watermark-sound.js SOUNDS... [--write]
 *   node dist/scripts/report/watermark-sound.js SOUNDS... --unmarked    reads them unmarked, from every start
 *
 * --write puts the table into docs/watermark.md.
 */
const KEY = new TextEncoder().encode('the key of the watermark report');
const SECONDS = 12;
const LEAST_SECONDS = 10;
const RATE_HZ = 48_000;

const { values, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { unmarked: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const ffmpegPath = findFfmpeg();
const scratch = mkdtempSync(join(tmpdir(), 'watermark-sound-'));

/** What may happen to a marked sound: options of ffmpeg, and the kind of file that comes out. */
const ATTACKS: readonly (Attempt & { file: string; options: readonly string[] })[] = [
  { name: 'as made (WAV)', file: 'a.wav', options: [] },
  { name: 'AAC 128', file: 'a.m4a', options: ['-c:a', 'aac', '-b:a', '128k'] },
  { name: 'AAC 64', file: 'a.m4a', options: ['-c:a', 'aac', '-b:a', '64k'], aim: 95 },
  { name: 'MP3 64', file: 'a.mp3', options: ['-c:a', 'libmp3lame', '-b:a', '64k'], aim: 95 },
  { name: 'Opus 64', file: 'a.ogg', options: ['-c:a', 'libopus', '-b:a', '64k'], aim: 95 },
  { name: 'resampled to 44.1 kHz', file: 'a.wav', options: ['-ar', '44100'], aim: 95 },
  { name: 'loudness normalised', file: 'a.wav', options: ['-af', 'loudnorm', '-ar', '48000'], aim: 95 },
  { name: 'trimmed by 1.37 s', file: 'a.wav', options: ['-ss', '1.37'], aim: 95 },
  {
    name: 'trimmed by 0.71 s, then AAC 64',
    file: 'a.m4a',
    options: ['-ss', '0.71', '-c:a', 'aac', '-b:a', '64k'],
  },
];

/** 32-bit float WAV, interleaved. */
function writeWav(path: string, { channels, sampleRateHz }: PcmAudio): void {
  const bytes = channels.length * 4;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + channels[0].length * bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(3, 20);
  header.writeUInt16LE(channels.length, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * bytes, 28);
  header.writeUInt16LE(bytes, 32);
  header.writeUInt16LE(32, 34);
  header.write('data', 36);
  header.writeUInt32LE(channels[0].length * bytes, 40);
  const samples = new Float32Array(channels[0].length * channels.length);
  channels.forEach((channel, at) =>
    channel.forEach((sample, index) => (samples[index * channels.length + at] = sample)),
  );
  writeFileSync(path, Buffer.concat([header, Buffer.from(samples.buffer)]));
}

function signalToNoise(original: PcmAudio, marked: PcmAudio): number {
  let signal = 0;
  let change = 0;
  original.channels.forEach((channel, at) =>
    channel.forEach((sample, index) => {
      signal += sample ** 2;
      change += (sample - marked.channels[at][index]) ** 2;
    }),
  );
  return 10 * Math.log10(signal / change);
}

interface Sound {
  readonly name: string;
  readonly sound: PcmAudio;
}

async function* sounds(): AsyncGenerator<Sound> {
  for (const folder of folders) {
    const names = readdirSync(folder).filter((name) => /\.(wav|flac|ogg|mp3|m4a)$/.test(name));
    for (const name of names.sort()) {
      const whole = await decodeAudio(join(folder, name), { ffmpegPath });
      if (whole.channels[0].length < LEAST_SECONDS * RATE_HZ) continue;
      const channels = whole.channels.map((channel) => channel.slice(0, SECONDS * RATE_HZ));
      yield { name, sound: { ...whole, channels } };
    }
  }
}

async function attacks(): Promise<void> {
  const read = new Map(ATTACKS.map(({ name }) => [name, 0]));
  const ratios: number[] = [];
  for await (const { name, sound: original } of sounds()) {
    const payload = payloadFor('report', (ratios.length + 1).toString(16).padStart(8, '0').repeat(4));
    const marked = embedSound(original, payload, KEY);
    ratios.push(signalToNoise(original, marked));
    const given = join(scratch, 'marked.wav');
    writeWav(given, marked);
    const notes: string[] = [];
    for (const attack of ATTACKS) {
      const out = join(scratch, attack.file);
      const { status, stderr } = spawnSync(ffmpegPath, [
        '-v',
        'error',
        '-y',
        '-i',
        given,
        ...attack.options,
        out,
      ]);
      if (status !== 0) throw new Error(`ffmpeg: ${stderr.toString()}`);
      const found = detectSound(await decodeAudio(out, { ffmpegPath }), KEY);
      const whole = found.found && found.payload === toHex(payload);
      if (whole) read.set(attack.name, (read.get(attack.name) ?? 0) + 1);
      notes.push(`${attack.name} ${whole ? 'read' : 'LOST'} z ${found.confidence.toFixed(1)}`);
    }
    console.error(`${name}: SNR ${ratios[ratios.length - 1].toFixed(1)} dB; ${notes.join('; ')}`);
  }
  const sorted = [...ratios].sort((a, b) => a - b);
  const decibels = (value: number): string => value.toFixed(1);
  const text = [
    `${ratios.length} sounds of ${LEAST_SECONDS} to ${SECONDS} seconds, at a signal-to-noise ratio of ` +
      `${decibels(sorted[0])} to ${decibels(sorted[sorted.length - 1])} dB (median ${decibels(sorted[sorted.length >> 1])}; aim 25).`,
    '`node dist/scripts/report/watermark-sound.js SOUNDS... --write`',
    '',
    attackTable('sound', ATTACKS, read, ratios.length),
  ].join('\n');
  console.log(text);
  if (values.write) replaceSection('sounds', text, 'watermark.md');
}

async function unmarked(): Promise<void> {
  const scores: number[] = [];
  let accepted = 0;
  for await (const { sound } of sounds()) {
    const found = detectSound(sound, KEY);
    if (found.found) accepted += 1;
    scores.push(found.confidence);
  }
  console.log(
    `${scores.length} reads without a mark: ${accepted} accepted; highest confidence ${Math.max(...scores).toFixed(2)}`,
  );
}

await (values.unmarked ? unmarked() : attacks());
rmSync(scratch, { recursive: true });
