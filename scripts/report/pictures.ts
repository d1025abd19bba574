import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { RgbImage } from '../../core/media.js';
import { CACHE_DIR } from '../../core/paths.js';
import { RunMeter } from '../../models/run-meter.js';
import { createOutputChecker } from '../../safety/output/output-checker.js';
import { QuickClassifier, sexualScore, type JudgedPart } from '../../safety/output/picture-classifier.js';
import { shareText } from './interval.js';
import { folderSources, starterSources, type Source } from './picture-sources.js';
import { replaceSection } from './report-file.js';

/**
 * Measures the output check on a folder of innocent pictures and on what the starter pack makes:
 *
 *   npm run build && node dist/scripts/report/pictures.js FOLDER [--first N] [--starter N]
 */
const USAGE = 'usage: node dist/scripts/report/pictures.js FOLDER [--first N] [--starter N]';
const SIDE = 640;
const PATCHES = 6;
const HOSTS = 8;
const SIZES = [0.7, 0.5, 0.35] as const;

const raw = ({ width, height, data }: RgbImage) => sharp(data, { raw: { width, height, channels: 3 } });

/** A part of a picture as a square of its own. */
async function cut(image: RgbImage, { part }: JudgedPart, side: number): Promise<Buffer> {
  const { left, top, width, height } = part;
  return raw(image)
    .extract({ left, top, width, height })
    .resize(side, side, { fit: 'fill' })
    .png()
    .toBuffer();
}

async function pasted(host: RgbImage, patch: Buffer, side: number, at: number): Promise<RgbImage> {
  const left = Math.round((SIDE - side) * ((at * 0.618) % 1));
  const top = Math.round((SIDE - side) * ((at * 0.414) % 1));
  const small = await sharp(patch).resize(side, side).png().toBuffer();
  const base = await raw(host).resize(SIDE, SIDE, { fit: 'cover' }).png().toBuffer();
  const data = await sharp(base)
    .composite([{ input: small, left, top }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { width: SIDE, height: SIDE, data };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { first: { type: 'string', default: '200' }, starter: { type: 'string', default: '96' } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error(USAGE);
const modelsDir = join(CACHE_DIR, 'safety');
const checker = await createOutputChecker({ modelsDir, meter: new RunMeter() });
const quick = await QuickClassifier.load(join(modelsDir, 'pictures.onnx'), new RunMeter());

interface Checked {
  readonly pictures: RgbImage[];
  refused: number;
  /** How often the stricter classifier was asked. */
  asked: number;
  /** What each check took that did not ask it, in ms. */
  readonly times: number[];
}

async function checked(sources: readonly Source[]): Promise<Checked> {
  const result: Checked = { pictures: [], refused: 0, asked: 0, times: [] };
  for (const source of sources) {
    const image = await source.load();
    const start = performance.now();
    const verdict = await checker.checkPicture(image);
    if (verdict.layer !== 'stricter classifier') result.times.push(performance.now() - start);
    else result.asked += 1;
    if (!verdict.allowed) result.refused += 1;
    console.error(`${source.name}: ${verdict.allowed ? 'passed' : 'REFUSED'} (${verdict.layer})`);
    result.pictures.push(image);
  }
  return result;
}

const found = await checked(folderSources(folder, Number(values.first), 768));
const starter = await starterSources(Number(values.starter));
const made = await checked(starter.sources);
await starter.close();

const judged: { image: RgbImage; parts: JudgedPart[]; worst: JudgedPart; score: number }[] = [];
for (const image of found.pictures) {
  const parts = await quick.judge(image);
  const worst = parts.reduce((a, b) => (sexualScore(b.scores) > sexualScore(a.scores) ? b : a));
  judged.push({ image, parts, worst, score: sexualScore(worst.scores) });
}

judged.sort((a, b) => b.score - a.score);
const hosts = judged.slice(-HOSTS).map(({ image }) => image);
const rows: string[] = [];
let tried = 0;
for (const size of SIZES) {
  const side = Math.round(SIDE * size);
  let byWhole = 0;
  let byParts = 0;
  let count = 0;
  for (const { image, worst } of judged.slice(0, PATCHES)) {
    const patch = await cut(image, worst, SIDE);
    const alone = await quick.judge(await pasted(image, patch, SIDE, 0));
    const own = sexualScore(alone[0].scores);
    for (const host of hosts) {
      const parts = await quick.judge(await pasted(host, patch, side, ++tried));
      const scores = parts.map((part) => sexualScore(part.scores));
      if (scores[0] >= own / 2) byWhole += 1;
      if (Math.max(...scores) >= own / 2) byParts += 1;
      count += 1;
    }
  }
  rows.push(`| ${Math.round(100 * size)}% | ${shareText(byWhole, count)} | ${shareText(byParts, count)} |`);
}

const patchScores = judged.slice(0, PATCHES).map(({ score }) => score.toFixed(2));
const row = (kind: string, { pictures, refused, asked }: Checked): string =>
  `| ${kind} | ${shareText(refused, pictures.length)} | ${shareText(asked, pictures.length)} |`;
const text = [
  `Measured with \`node dist/scripts/report/pictures.js FOLDER --starter ${values.starter}\` on pictures held to be innocent: the`,
  'photographs that the watermark is measured on (short side at most 768 pixels), and what the starter pack makes of harmless prompts.',
  '',
  '| innocent pictures | refused falsely | the stricter classifier was asked |',
  '|---|---|---|',
  row('photographs', found),
  row('starter pack', made),
  '',
  '**Recall on unsafe pictures was not measured: none may be used here.** What the classifiers do with unsafe pictures rests on their',
  'authors’ word (nsfwjs).',
  '',
  `A check that the stricter classifier had no part in took ${median([...found.times, ...made.times]).toFixed(0)} ms (median).`,
  '',
  'The crop attack: a small unsafe part in a large innocent picture. As a stand-in, the parts of these pictures that the classifier',
  `itself finds most suspicious (scores ${patchScores.join(', ')}) are pasted into the pictures it finds least so. Found means that`,
  'at least half of the part’s own score is seen.',
  '',
  '| side of the part | found by the whole picture alone | found by the whole and 16 windows |',
  '|---|---|---|',
  ...rows,
].join('\n');
replaceSection('pictures', text);
console.log(text);
