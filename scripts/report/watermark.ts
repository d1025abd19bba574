import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectPicture, embedPicture } from '../../safety/watermark/picture.js';
import { attackTable, percentRead, type Attempt } from './attack-table.js';
import { otherMethod, type WatermarkMethod } from './other-watermarks.js';
import { psnr, ssim } from './picture-quality.js';
import { drawnSources, folderSources, starterSources, type Source } from './picture-sources.js';
import { replaceSection } from './report-file.js';
import { ATTACKS, type Attack } from './watermark-attacks.js';

/**
 * Measures the picture watermark on a folder of pictures, on drawn ones, or on what the starter pack makes:
 *
 *   npm run build && node dist/scripts/report/watermark.js PICTURES [--first N] [--only TEXT] [--write]
 *   node dist/scripts/report/watermark.js --drawn 24      the same on 24 drawn pictures
 *   node dist/scripts/report/watermark.js --starter 24    the same on 24 pictures of the starter pack
 *   node dist/scripts/report/watermark.js PICTURES --first 6 --short 512 --beside PYTHON
 *                                                         the same attacks on other watermarks too
 *   node dist/scripts/report/watermark.js PICTURES --marked OUT
 *                                                         writes marked copies, to be looked at
 *
 * --only takes the attacks whose names contain the text, --short makes pictures of a longer short side smaller first,
 * and --write puts the table into docs/watermark.md. The other watermarks are those of the Python package
 * invisible-watermark, which PYTHON must be able to import; docs/watermark.md has more.
 */
const KEY = new TextEncoder().encode('the key of the watermark report');
const OTHERS = ['dwtDct', 'dwtDctSvd', 'rivaGan'] as const;

/** The node's own watermark. */
const OURS: WatermarkMethod = {
  embed: async (image, payload) => embedPicture(image, payload, KEY),
  read: async (image) => {
    const found = detectPicture(image, KEY);
    return { payload: found.found ? found.payload : undefined, note: `(z ${found.confidence.toFixed(1)})` };
  },
  close: () => undefined,
};

/** What became of the marks of some pictures. */
interface Outcome {
  readonly pictures: number;
  /** Pictures read whole after each attack. */
  readonly read: ReadonlyMap<string, number>;
  /** Of each picture, in dB, and the structural similarity of luma. */
  readonly psnr: readonly number[];
  readonly ssim: readonly number[];
}

async function attacked(
  sources: readonly Source[],
  attempts: readonly Attack[],
  method: WatermarkMethod,
): Promise<Outcome> {
  const read = new Map(attempts.map(({ name }) => [name, 0]));
  const decibels: number[] = [];
  const likeness: number[] = [];
  for (const [index, source] of sources.entries()) {
    const original = await source.load();
    const payload = payloadFor('report', (index + 1).toString(16).padStart(8, '0').repeat(4));
    const marked = await method.embed(original, payload);
    decibels.push(psnr(original, marked));
    likeness.push(ssim(original, marked));
    const failed: string[] = [];
    for (const attack of attempts) {
      const found = await method.read(await attack.apply(marked), payload.length);
      if (found.payload === toHex(payload)) read.set(attack.name, (read.get(attack.name) ?? 0) + 1);
      else failed.push(`${attack.name}${found.payload === undefined ? '' : ' WRONG'} ${found.note}`);
    }
    console.error(
      `${source.name} ${original.width}x${original.height}: ${decibels[index].toFixed(1)} dB,`,
      `${likeness[index].toFixed(4)}; lost: ${failed.join(', ') || 'nothing'}`,
    );
  }
  return { pictures: sources.length, read, psnr: decibels, ssim: likeness };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;
const quality = ({ psnr: decibels, ssim: likeness }: Outcome): string =>
  `PSNR mean ${mean(decibels).toFixed(1)} dB, least ${Math.min(...decibels).toFixed(1)}; ` +
  `SSIM of luma mean ${mean(likeness).toFixed(4)}, least ${Math.min(...likeness).toFixed(4)}`;
/** Our outcome as a table, its quality in a sentence above it. */
function oneTable(command: string, attempts: readonly Attempt[], ours: Outcome): string {
  return [
    `${ours.pictures} pictures: ${quality(ours)}. \`${command}\``,
    '',
    attackTable('attack', attempts, ours.read, ours.pictures),
  ].join('\n');
}

function besideTable(
  command: string,
  attempts: readonly Attack[],
  all: ReadonlyMap<string, Outcome>,
): string {
  const names = [...all.keys()];
  const outcomes = [...all.values()];
  return [
    `${outcomes[0].pictures} photographs. \`${command}\``,
    '',
    `| attack | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---|').join('')}`,
    `| PSNR, mean | ${outcomes.map((each) => `${mean(each.psnr).toFixed(1)} dB`).join(' | ')} |`,
    ...attempts.map(
      ({ name }) =>
        `| ${name} | ${outcomes.map((each) => percentRead(each.read, name, each.pictures)).join(' | ')} |`,
    ),
  ].join('\n');
}

async function writeMarked(sources: readonly Source[], folder: string): Promise<void> {
  for (const [index, source] of sources.entries()) {
    const payload = payloadFor('report', String(index).padStart(8, '0'));
    const { width, height, data } = embedPicture(await source.load(), payload, KEY);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, `${index}.png`));
  }
}

const numberIn = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      first: { type: 'string' },
      short: { type: 'string' },
      only: { type: 'string', default: '' },
      drawn: { type: 'string' },
      starter: { type: 'string' },
      marked: { type: 'string' },
      beside: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const [folder = '.'] = positionals;
  const { drawn, starter, first, beside } = values;
  const pack = starter === undefined ? undefined : await starterSources(Number(starter));
  const sources =
    pack !== undefined
      ? pack.sources
      : drawn !== undefined
        ? drawnSources(Number(drawn))
        : folderSources(folder, numberIn(first), numberIn(values.short));
  try {
    if (values.marked !== undefined) {
      await writeMarked(sources, values.marked);
      return;
    }
    const attempts = ATTACKS.filter(({ name }) => name.includes(values.only));
    const ours = await attacked(sources, attempts, OURS);
    const script = 'node dist/scripts/report/watermark.js';
    const some =
      (first === undefined ? '' : ` --first ${first}`) +
      (values.short === undefined ? '' : ` --short ${values.short}`);
    let section = 'photographs';
    let text: string;
    if (beside !== undefined) {
      const all = new Map([['ours', ours]]);
      for (const name of OTHERS) {
        const method = otherMethod(name, beside);
        all.set(name, await attacked(sources, attempts, method));
        method.close();
      }
      section = 'others';
      text = besideTable(`${script} PHOTOGRAPHS${some} --beside PYTHON --write`, attempts, all);
    } else if (drawn !== undefined) {
      section = 'drawn';
      text = oneTable(
        `${script} --drawn ${drawn} --write`,
        // The aims are those of photographs.
        attempts.map(({ name }) => ({ name })),
        ours,
      );
    } else if (starter !== undefined) {
      section = 'starter';
      text = oneTable(`${script} --starter ${starter} --write`, attempts, ours);
    } else text = oneTable(`${script} PHOTOGRAPHS${some} --write`, attempts, ours);
    console.log(text);
    if (values.write) replaceSection(section, text, 'watermark.md');
  } finally {
    await pack?.close();
  }
}

await main();
