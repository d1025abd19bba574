// Rasterises the drawings named in objects.txt to square RGBA files: WORK/drawings/NNN.png, 640 pixels a side.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const work = process.env.WORK ?? 'work';
const require = createRequire(path.resolve(work, 'node_modules', 'x.js'));
const { Resvg } = require('@resvg/resvg-js');
const noto = require('@iconify-json/noto/icons.json');
const here = import.meta.dirname;
const out = path.join(work, 'drawings');
fs.mkdirSync(out, { recursive: true });

const rows = fs
  .readFileSync(path.join(here, 'objects.txt'), 'utf8')
  .split('\n')
  .filter((line) => line.trim() && !line.startsWith('#'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

function svgOf(drawing) {
  if (drawing.startsWith('drawings/')) return fs.readFileSync(path.join(here, drawing), 'utf8');
  const icon = noto.icons[drawing];
  if (!icon) throw new Error(`the Noto set has no drawing called ${drawing}`);
  const width = icon.width ?? noto.width ?? 128;
  const height = icon.height ?? noto.height ?? 128;
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 ${width} ${height}">${icon.body}</svg>`;
}

rows.forEach(([, drawing], index) => {
  const png = new Resvg(svgOf(drawing), { fitTo: { mode: 'width', value: 640 } }).render().asPng();
  fs.writeFileSync(path.join(out, `${String(index).padStart(3, '0')}.png`), png);
});
console.log(`${rows.length} drawings in ${out}`);
