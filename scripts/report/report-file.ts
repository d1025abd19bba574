import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../core/paths.js';

const REPORT = join(PROJECT_ROOT, 'docs', 'safety-report.md');

/** Writes what stands between `<!-- name -->` and `<!-- /name -->` in docs/safety-report.md anew. */
export function replaceSection(name: string, text: string): void {
  const report = readFileSync(REPORT, 'utf8');
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = report.indexOf(open);
  const end = report.indexOf(close);
  if (start < 0 || end < start) throw new Error(`${REPORT} has no section ${open} … ${close}`);
  writeFileSync(REPORT, `${report.slice(0, start + open.length)}\n${text.trim()}\n${report.slice(end)}`);
}
