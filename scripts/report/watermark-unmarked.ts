import { parseArgs } from 'node:util';
import type { RgbImage } from '../../core/media.js';
import { detectPicture } from '../../safety/watermark/picture.js';
import {
  drawnSources,
  folderSources,
  noiseSources,
  starterSources,
  textureSources,
  type Source,
} from './picture-sources.js';
import { replaceSection } from './report-file.js';

/**
 * Reads parts of pictures that carry no mark and tells how high their pilots score:
 *
 *   npm run build && node dist/scripts/report/watermark-unmarked.js PHOTOGRAPHS [--pictures 24] [--parts 90]
 *                                                                   [--searches 1] [--write]
 *
 * Of each kind (photographs, starter outputs, drawn pictures, textures, noise) it takes so many pictures, of each picture so
 * many parts, of which the first --searches are searched for in full. --write puts the table into docs/watermark.md.
 */
const KEY = new TextEncoder().encode('the key of the watermark report');
const LEAST_SIDE = 200;
const MOST_SIDE = 320;

function cut({ width, height, data }: RgbImage, size: number, across: number, down: number): RgbImage {
  const left = Math.floor((width - size) * across);
  const top = Math.floor((height - size) * down);
  const out = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(data.subarray(from, from + size * 3), y * size * 3);
  }
  return { width: size, height: size, data: out };
}

/** One part of a picture: sides of 200 pixels upwards, at places that differ from part to part. */
function partOf(picture: RgbImage, part: number): RgbImage {
  const short = Math.min(picture.width, picture.height);
  const least = Math.min(LEAST_SIDE, short);
  const share = ((part * 0.618034) % 1) ** 2;
  const side = Math.round(least + (Math.min(MOST_SIDE, short) - least) * share);
  return cut(picture, side, (part * 0.754878) % 1, (part * 0.56984) % 1);
}

/** What the pilots agreed by at each read of one look, and how many reads were taken for a mark. */
interface Reads {
  readonly scores: number[];
  accepted: number;
}
type Looks = Readonly<Record<'asMade' | 'full', Reads>>;

const noReads = (): Looks => ({ asMade: { scores: [], accepted: 0 }, full: { scores: [], accepted: 0 } });

async function readsOf(sources: readonly Source[], parts: number, searches: number): Promise<Looks> {
  const looks = noReads();
  for (const source of sources) {
    const picture = await source.load();
    for (let part = 0; part < parts; part++) {
      const search = part < searches ? 'full' : 'as-made';
      const found = detectPicture(partOf(picture, part), KEY, { search });
      const reads = search === 'full' ? looks.full : looks.asMade;
      if (found.found) reads.accepted += 1;
      reads.scores.push(found.confidence);
    }
  }
  return looks;
}

function row(kind: string, look: string, { scores, accepted }: Reads): string {
  const sorted = [...scores].sort((a, b) => a - b);
  const quantile = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))].toFixed(2);
  const cells = [0.5, 0.99, 0.999, 1].map(quantile);
  return `| ${kind} | ${look} | ${scores.length} | ${cells.join(' | ')} | ${accepted} |`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      pictures: { type: 'string', default: '24' },
      parts: { type: 'string', default: '90' },
      searches: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  });
  const [folder = '.'] = positionals;
  const count = Number(values.pictures);
  const starter = await starterSources(count);
  const kinds: readonly (readonly [string, readonly Source[]])[] = [
    ['photographs', folderSources(folder, count)],
    ['starter outputs', starter.sources],
    ['drawn and flat', drawnSources(count)],
    ['textures', textureSources(count)],
    ['noise', noiseSources(count)],
  ];
  const all = noReads();
  const rows: string[] = [];
  for (const [kind, sources] of kinds) {
    const looks = await readsOf(sources, Number(values.parts), Number(values.searches));
    for (const look of ['asMade', 'full'] as const) {
      all[look].scores.push(...looks[look].scores);
      all[look].accepted += looks[look].accepted;
    }
    rows.push(row(kind, 'as made', looks.asMade));
    console.error(rows.at(-1));
  }
  await starter.close();
  rows.push(row('**all**', 'as made', all.asMade));
  if (all.full.scores.length > 0) rows.push(row('**all**', 'searched', all.full));
  const reads = all.asMade.scores.length + all.full.scores.length;
  const text = [
    `${reads} reads of parts of 200 to 320 pixels, ${all.asMade.accepted + all.full.accepted} accepted;` +
      ' scores are what the pilots agree by, in standard deviations.',
    `\`node dist/scripts/report/watermark-unmarked.js PHOTOGRAPHS --pictures ${count} --parts ${values.parts} --searches ${values.searches} --write\``,
    '',
    '| pictures | look | reads | median | 99% below | 99.9% below | highest | accepted |\n|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
  console.log(text);
  if (values.write) replaceSection('unmarked', text, 'watermark.md');
}

await main();
