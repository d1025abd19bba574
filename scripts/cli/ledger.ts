import { parseArgs } from 'node:util';
import { verifyLedger } from '../../api/database/verify-ledger.js';
import type { Command } from './command.js';
import { withDatabase } from './with-database.js';

const usage = `usage: zsky-node ledger verify

Rebuilds every allowance, overage and daily counter from the append-only ledger and compares them with what
the API uses, job by job. Exits 0 when all agree, 1 with one line per disagreement. It reads one instant of
the database and may run while the API does.`;

async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
  if (positionals[0] !== 'verify') {
    console.error(usage);
    return 2;
  }
  const { accounts, entries, jobs, differences } = await withDatabase(verifyLedger);
  for (const difference of differences) console.error(difference);
  const seen = `${entries} ledger entries, ${accounts} accounts, ${jobs} jobs`;
  console.log(
    differences.length === 0
      ? `The ledger proves every counter: ${seen}.`
      : `${differences.length} disagreements: ${seen}.`,
  );
  return differences.length === 0 ? 0 : 1;
}

const command: Command = { summary: 'prove the usage counters from the ledger', usage, run };
export default command;
