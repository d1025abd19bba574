import { parseArgs } from 'node:util';
import {
  createAccount,
  listAccounts,
  setDailyLift,
  setSuspension,
  type AccountWithKey,
} from '../../api/database/accounts.js';
import type { Database } from '../../api/database/database.js';
import { setOverageCap } from '../../api/database/ledger.js';
import { maskedKey } from '../../api/auth/api-key.js';
import { withDatabase } from './with-database.js';
import { NodeError } from '../../core/errors.js';
import type { Command } from './command.js';

const usage = `usage: zsky-node keys <action> [options]

  create --name NAME            make an account and print its API key, this once
  list                          every account: key, state, overage
  suspend KEY [--hours N] [--reason TEXT]
                                answer 403 for N hours (24)
  unsuspend KEY                 lift a suspension and forget what led to it
  lift-daily KEY [--days N] [--off]
                                lift the daily cap for the rest of today and N - 1 more UTC days (1)
  overage KEY --cap-cents N     allow up to N cents a month beyond the allowance
  overage KEY --off             back to a hard stop at the allowance

KEY is any part of an account's name or key that is unique in the list, for example the 8 characters
after zsky_live_. The database is that of the settings (ZSKY_CONFIG, ZSKY_DATA_DIR, ZSKY_API_DATABASE_URL).

example: zsky-node keys create --name "Ada's studio"`;

const FOR_EVER = Date.parse('9999-01-01T00:00:00Z');
const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

/** The one account that the words on the command line mean. */
async function findAccount(database: Database, words: string | undefined): Promise<AccountWithKey> {
  if (words === undefined) throw new NodeError('REQUEST_INVALID', 'say which key; zsky-node keys --help');
  // A whole key may be pasted; only its public part is known here.
  const part = words
    .replace(/^zsky_live_/, '')
    .replace(/…$/, '')
    .slice(0, words.startsWith('zsky_live_') ? 8 : 200);
  const all = await listAccounts(database.read);
  const found = all.filter(
    (each) => each.key_id.startsWith(part) || each.name.includes(part) || each.id === part,
  );
  const exact = found.filter((each) => each.key_id === part || each.name === part);
  const [account, ...others] = exact.length === 1 ? exact : found;
  if (account === undefined) throw new NodeError('REQUEST_INVALID', `no account matches "${words}"`);
  if (others.length > 0) {
    throw new NodeError(
      'REQUEST_INVALID',
      `"${words}" matches ${found.length} accounts; give more of the key`,
    );
  }
  return account;
}

function count(text: string | undefined, name: string, fallback?: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (value === undefined || !Number.isInteger(value) || value < 0) {
    throw new NodeError('REQUEST_INVALID', `${name} must be a whole number, 0 or more`);
  }
  return value;
}

function line(account: AccountWithKey, now: number): string {
  const {
    suspended_until: until,
    suspended_reason: reason,
    daily_lift_until: lift,
    overage_cap_cents: cap,
  } = account;
  const notes = [
    until !== null && until > now
      ? `suspended until ${new Date(until).toISOString()}: ${reason ?? ''}`
      : 'active',
    lift !== null && lift > now ? `daily cap lifted until ${new Date(lift).toISOString()}` : undefined,
    cap === null ? undefined : `overage up to $${(cap / 100).toFixed(2)} a month`,
  ];
  return `${maskedKey(account.key_id)}  ${account.name.padEnd(24)}  ${notes.filter(Boolean).join('; ')}`;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      hours: { type: 'string' },
      days: { type: 'string' },
      reason: { type: 'string' },
      'cap-cents': { type: 'string' },
      off: { type: 'boolean' },
    },
  });
  const [action, words] = positionals;
  const now = Date.now();
  switch (action) {
    case 'create': {
      const name = values.name?.trim();
      if (name === undefined || name === '')
        throw new NodeError('REQUEST_INVALID', 'keys create needs --name');
      const { key } = await withDatabase((database) => createAccount(database, name, now));
      console.log(`API key of "${name}", shown only this once:\n${key}`);
      return 0;
    }
    case 'list': {
      const accounts = await withDatabase((database) => listAccounts(database.read));
      for (const account of accounts) console.log(line(account, now));
      if (accounts.length === 0)
        console.log('There are no keys yet. Make one with: zsky-node keys create --name NAME');
      return 0;
    }
    case 'suspend': {
      const until = now + count(values.hours, '--hours', 24) * HOUR_MS;
      const reason = values.reason ?? 'Suspended by the operator.';
      return change(words, (database, id) => setSuspension(database, id, { until, reason }, now));
    }
    case 'unsuspend':
      return change(words, (database, id) => setSuspension(database, id, undefined, now));
    case 'lift-daily': {
      const days = count(values.days, '--days', 1);
      const midnight = now - (now % DAY_MS);
      const until = values.off === true ? null : Math.min(FOR_EVER, midnight + days * DAY_MS);
      return change(words, (database, id) => setDailyLift(database, id, until));
    }
    case 'overage': {
      if (values.off === true) return change(words, (database, id) => setOverageCap(database, id, null, now));
      const cap = count(values['cap-cents'], '--cap-cents');
      return change(words, (database, id) => setOverageCap(database, id, cap, now));
    }
    default:
      console.error(usage);
      return 2;
  }
}

/** Changes one account and shows how it stands after. */
function change(
  words: string | undefined,
  apply: (database: Database, id: string) => Promise<void>,
): Promise<number> {
  return withDatabase(async (database) => {
    const { id } = await findAccount(database, words);
    await apply(database, id);
    const account = (await listAccounts(database.read)).find((each) => each.id === id);
    if (account !== undefined) console.log(line(account, Date.now()));
    return 0;
  });
}

const command: Command = { summary: 'make API keys and set what they may do', usage, run };
export default command;
