import { mkdirSync, readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import sharp from 'sharp';

/**
 * Makes the photographs of the watermark's report, short sides of 512 to 1024 pixels by turns, out of unpacked packages:
 *
 *   apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 plasma-workspace-wallpapers mate-backgrounds
 *   for each in *.deb; do dpkg -x $each unpacked; done
 *   npm run build && node dist/scripts/report/photographs.js unpacked OUT [MORE.png ...]
 *
 * What more is named is taken too: docs/watermark.md tells what its tables had.
 */
const SHORT_SIDES = [512, 640, 768, 1024];
/** Pictures of usr/share/backgrounds that nobody photographed. */
const DRAWN = /^(Fossa|Infinite-Sea|Painting-Colors|umang)_/;
/** Photographs of plasma-workspace-wallpapers; the rest is drawn. */
const PLASMA = [
  ...['BytheWater', 'ColdRipple', 'ColorfulCups', 'DarkestHour', 'EveningGlow', 'FallenLeaf', 'Grey', 'Kite'],
  ...['OneStandsOut', 'Path', 'summer_1am'],
];

const pictures = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\.(jpe?g|png)$/.test(name))
    .sort()
    .map((name) => join(folder, name));

const [unpacked, out, ...more] = process.argv.slice(2);
if (out === undefined) throw new Error('give the folder of unpacked packages and one for the photographs');
const share = join(unpacked, 'usr/share');
const files = [
  ...pictures(join(share, 'backgrounds')).filter((path) => !DRAWN.test(basename(path))),
  ...pictures(join(share, 'backgrounds/mate/nature')),
  ...PLASMA.map((name) => pictures(join(share, 'wallpapers', name, 'contents/images'))[0]),
  ...more,
];
mkdirSync(out, { recursive: true });
for (const [index, path] of files.entries()) {
  const { width, height } = await sharp(path).metadata();
  const side = SHORT_SIDES[index % SHORT_SIDES.length];
  const parts = path.split('/');
  const name = path.includes('/wallpapers/')
    ? parts[parts.indexOf('wallpapers') + 1]
    : basename(path, extname(path));
  await sharp(path)
    .toColourspace('srgb')
    .removeAlpha()
    .resize(
      width < height ? { width: side, withoutEnlargement: true } : { height: side, withoutEnlargement: true },
    )
    .png()
    .toFile(join(out, `${name}.png`));
}
console.log(`${files.length} photographs in ${out}`);
