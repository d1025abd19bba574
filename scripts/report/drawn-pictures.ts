import sharp from 'sharp';
import type { RgbImage } from '../../core/media.js';

/** Uniform numbers in [0, 1) that follow from a seed. */
export function numbers(seed: number): () => number {
  let state = (Math.imul(seed + 1, 2654435761) ^ 0x5bd1e995) >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const KINDS = ['shapes', 'text', 'flat', 'dark sky', 'stripes', 'chart', 'noise', 'icons'] as const;
export type DrawnKind = (typeof KINDS)[number];

/** A drawn picture without any photograph in it, 768x576: the kinds take turns, and the seed decides the rest. */
export async function drawnPicture(seed: number): Promise<{ kind: DrawnKind; picture: RgbImage }> {
  const random = numbers(seed);
  const width = 768;
  const height = 576;
  const kind = KINDS[seed % KINDS.length];
  const at = (most: number): number => Math.floor(random() * most);
  const colour = (): string => `rgb(${at(256)},${at(256)},${at(256)})`;
  const many = (count: number, one: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => one(index)).join('');
  if (kind === 'noise') {
    const deviation = 2 + 40 * random();
    const data = Uint8Array.from(
      { length: width * height * 3 },
      () => 128 + deviation * (random() - 0.5) * 3,
    );
    return { kind, picture: { width, height, data } };
  }
  const stops = (from: string, to: string): string =>
    `<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient></defs><rect width="768" height="576" fill="url(#g)"/>`;
  const inside: Record<Exclude<DrawnKind, 'noise'>, () => string> = {
    shapes: () =>
      many(14, () =>
        random() < 0.5
          ? `<circle cx="${at(width)}" cy="${at(height)}" r="${20 + at(140)}" fill="${colour()}"/>`
          : `<rect x="${at(width)}" y="${at(height)}" width="${20 + at(300)}" height="${20 + at(200)}" fill="${colour()}"/>`,
      ),
    text: () =>
      many(16, (line) => {
        const words = many(60, () => 'abcdefghijklmnopqrstuvwxyz      '[at(32)]);
        return `<text x="30" y="${40 + line * 34}" font-size="${16 + at(8)}" fill="#222">${words}</text>`;
      }),
    flat: () => '',
    'dark sky': () =>
      stops(`rgb(${at(12)},${at(14)},${10 + at(24)})`, `rgb(${at(40)},${at(40)},${30 + at(60)})`) +
      many(30, () => `<circle cx="${at(width)}" cy="${at(height)}" r="1" fill="#ccd"/>`),
    stripes: () => {
      const step = 6 + at(60);
      return many(
        Math.ceil(width / step),
        (n) => `<rect x="${n * step}" width="${step / 2}" height="576" fill="#345"/>`,
      );
    },
    chart: () =>
      many(
        12,
        (n) =>
          `<rect x="${40 + n * 58}" y="${560 - 60 - at(420)}" width="40" height="600" fill="${colour()}"/>`,
      ) + many(8, (n) => `<path d="M0 ${n * 70}H768" stroke="#bbb"/>`),
    icons: () =>
      many(24, (n) => {
        const x = 60 + (n % 6) * 125;
        const y = 70 + Math.floor(n / 6) * 140;
        return `<rect x="${x}" y="${y}" width="90" height="90" rx="20" fill="${colour()}"/><circle cx="${x + 45}" cy="${y + 45}" r="${10 + at(25)}" fill="#fff"/>`;
      }),
  };
  const ground = kind === 'shapes' || kind === 'flat' ? colour() : '#f4f4f0';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="768" height="576"><rect width="768" height="576" fill="${ground}"/>${inside[kind]()}</svg>`;
  const data = await sharp(Buffer.from(svg)).flatten().toColourspace('srgb').removeAlpha().raw().toBuffer();
  return { kind, picture: { width, height, data } };
}
