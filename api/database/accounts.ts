import { randomBytes, randomUUID } from 'node:crypto';
import { newApiKey } from '../auth/api-key.js';
import type { Database } from './database.js';
import type { Account, Reader, Tx } from './schema.js';

/** A key that was just made: the only moment its text exists. */
export interface IssuedKey {
  readonly accountId: string;
  readonly key: string;
}

async function insertKey(tx: Tx, accountId: string, now: number): Promise<IssuedKey> {
  const { key, id, hash } = newApiKey();
  await tx
    .insertInto('api_keys')
    .values({ id, account_id: accountId, hash, created_at: now, revoked_at: null })
    .execute();
  return { accountId, key };
}

async function insertAccount(tx: Tx, name: string, now: number): Promise<IssuedKey> {
  const id = randomUUID();
  await tx
    .insertInto('accounts')
    .values({
      id,
      name,
      created_at: now,
      attempts_from: 0,
      webhook_secret: `whsec_${randomBytes(32).toString('base64')}`,
    })
    .execute();
  await tx.insertInto('burst').values({ account_id: id, stamps: '[]' }).execute();
  return insertKey(tx, id, now);
}

/** Makes an account with its first key. */
export function createAccount(database: Database, name: string, now: number): Promise<IssuedKey> {
  return database.write((tx) => insertAccount(tx, name, now));
}

/** Makes the first account of an empty database; undefined when there already is one. */
export function createFirstAccount(
  database: Database,
  name: string,
  now: number,
): Promise<IssuedKey | undefined> {
  return database.write(async (tx) => {
    const any = await tx.selectFrom('accounts').select('id').limit(1).executeTakeFirst();
    return any === undefined ? insertAccount(tx, name, now) : undefined;
  });
}

/** The key with this public part and its account; undefined when there is none or it was rotated away. */
export async function findKey(
  reader: Reader,
  keyId: string,
): Promise<{ hash: string; account: Account } | undefined> {
  const found = await reader
    .selectFrom('api_keys')
    .innerJoin('accounts', 'accounts.id', 'api_keys.account_id')
    .selectAll('accounts')
    .select('api_keys.hash')
    .where('api_keys.id', '=', keyId)
    .where('api_keys.revoked_at', 'is', null)
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const { hash, ...account } = found;
  return { hash, account };
}

/** Replaces a key in one step; undefined when it had been replaced already. */
export function rotateKey(
  database: Database,
  accountId: string,
  keyId: string,
  now: number,
): Promise<IssuedKey | undefined> {
  return database.write(async (tx) => {
    const revoked = await tx
      .updateTable('api_keys')
      .set({ revoked_at: now })
      .where('id', '=', keyId)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return revoked.numUpdatedRows === 0n ? undefined : insertKey(tx, accountId, now);
  });
}

/** An account with the public part of its current key. */
export interface AccountWithKey extends Account {
  readonly key_id: string;
}

/** Every account, oldest first. */
export function listAccounts(reader: Reader): Promise<AccountWithKey[]> {
  return reader
    .selectFrom('accounts')
    .innerJoin('api_keys', 'api_keys.account_id', 'accounts.id')
    .selectAll('accounts')
    .select('api_keys.id as key_id')
    .where('api_keys.revoked_at', 'is', null)
    .orderBy('accounts.created_at')
    .execute();
}

/** Suspends an account; undefined lifts a suspension and forgets the attempts that led to it. */
export function setSuspension(
  database: Database,
  accountId: string,
  suspension: { readonly until: number; readonly reason: string } | undefined,
  now: number,
): Promise<void> {
  return database.write(async (tx) => {
    await tx
      .updateTable('accounts')
      .set(
        suspension === undefined
          ? { suspended_until: null, suspended_reason: null, attempts_from: now }
          : { suspended_until: suspension.until, suspended_reason: suspension.reason },
      )
      .where('id', '=', accountId)
      .execute();
  });
}

/** Lifts the daily cap until an instant; null restores it. */
export function setDailyLift(database: Database, accountId: string, until: number | null): Promise<void> {
  return database.write(async (tx) => {
    await tx.updateTable('accounts').set({ daily_lift_until: until }).where('id', '=', accountId).execute();
  });
}
