import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../core/paths.js';

/** Writes what stands between `<!-- name -->` and `<!-- /name -->` in a file of docs/ anew. */
export function replaceSection(name: string, text: string, file = 'safety-report.md'): void {
  const path = join(PROJECT_ROOT, 'docs', file);
  const report = readFileSync(path, 'utf8');
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = report.indexOf(open);
  const end = report.indexOf(close);
  if (start < 0 || end < start) throw new Error(`${path} has no section ${open} … ${close}`);
  writeFileSync(path, `${report.slice(0, start + open.length)}\n${text.trim()}\n${report.slice(end)}`);
}
