#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/scripts/cli/main.js', import.meta.url);
if (!existsSync(entry)) {
  console.error('zsky-node: not built yet. Run: npm run build');
  process.exit(1);
}
const { main } = await import(entry.href);
process.exitCode = await main(process.argv.slice(2));
