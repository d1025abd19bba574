import { carriersOf } from '../../safety/watermark/carriers.js';
import { readings, whitenRings } from '../../safety/watermark/demodulate.js';
import { numbers } from './drawn-pictures.js';
import { replaceSection } from './report-file.js';

/**
 * Decodes carriers of random phase and size, as a picture without a mark has them, and tells how well the message that
 * agrees best does so with either weighting of the rings:
 *
 *   npm run build && node dist/scripts/report/watermark-chance.js [TRIES]
 */
const tries = Number(process.argv[2] ?? 4000);
const plan = carriersOf(new TextEncoder().encode('the key of the watermark report'));
const random = numbers(7);
const normal = (): number => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());

/** Every other time a few carriers are far larger than the rest. */
function best(heavy: boolean): readonly [number, number] {
  const size = (): number => (heavy ? normal() * Math.exp(1.2 * normal()) : normal());
  const values = plan.map((carriers) => {
    const channel = {
      re: Float64Array.from({ length: carriers.count }, size),
      im: Float64Array.from({ length: carriers.count }, size),
    };
    whitenRings(channel, carriers);
    return channel;
  });
  const most: [number, number] = [0, 0];
  for (const { agreement, round } of readings(values, plan))
    most[round === 0 ? 0 : 1] = Math.max(most[round === 0 ? 0 : 1], agreement);
  return most;
}

const all = Array.from({ length: tries }, (_, index) => best(index % 2 === 0));
const LEVELS = [9, 9.5, 10, 10.5, 11];
const row = (name: string, scores: readonly number[]): string => {
  const sorted = [...scores].sort((a, b) => a - b);
  const above = LEVELS.map((level) => sorted.filter((score) => score >= level).length);
  const [middle, highest] = [sorted[tries >> 1], sorted[tries - 1]].map((score) => score.toFixed(2));
  return `| ${name} | ${middle} | ${above.join(' | ')} | ${highest} |`;
};
const text = [
  `${tries} simulated decodings: \`node dist/scripts/report/watermark-chance.js ${tries}\``,
  '',
  `| rings weighed by | median | ${LEVELS.map((level) => `${level} or more`).join(' | ')} | highest |`,
  `|---|---|${LEVELS.map(() => '---|').join('')}---|`,
  row(
    'pilots',
    all.map(([first]) => first),
  ),
  row(
    'the likeliest message',
    all.map(([, second]) => second),
  ),
].join('\n');
console.log(text);
replaceSection('chance', text, 'watermark.md');
