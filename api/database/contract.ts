import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobMessage } from '../../core/messages.js';
import { apiKeyId, hashApiKey } from '../auth/api-key.js';
import { parseSettings } from '../../core/config/load.js';
import type { Limits } from '../../core/config/settings.js';
import {
  createAccount,
  createFirstAccount,
  findKey,
  rotateKey,
  setDailyLift,
  setSuspension,
} from './accounts.js';
import { admit, type Admission, type NewJob } from './admission.js';
import { recordRefusal } from './attempts.js';
import { countRequest } from './burst.js';
import type { Database } from './database.js';
import { abandonedJobs, findJob, forgetJob, jobsAhead, jobsToForget, listJobs, purgeJob } from './jobs.js';
import { dayUsed, monthCounter, readOverageBudget, setOverageCap } from './ledger.js';
import { claimOutbox, markSent, unclaimOutbox } from './outbox.js';
import { endJob, type JobEnd } from './settlement.js';
import { verifyLedger } from './verify-ledger.js';
import { claimWebhooks, findWebhook, recordDelivery } from './webhooks.js';

const MAY = Date.UTC(2026, 4, 10, 12);
const MINUTE = 60_000;
const DAY = 24 * 3600_000;
const WIDE: Limits = {
  ...parseSettings({}).api.limits,
  concurrentJobs: 10_000,
  videosPerDay: 10_000,
  imagesPerDay: 10_000,
};

function message(jobId: string, at: number): JobMessage {
  return {
    version: 1,
    jobId,
    submittedAt: new Date(at).toISOString(),
    expiresAt: new Date(at + DAY).toISOString(),
    request: { kind: 'image', prompt: 'a lighthouse', width: 1024, height: 1024, seed: 1 },
    delivery: { mode: 'store' },
  };
}

function newJob(accountId: string, change: Partial<NewJob> = {}): NewJob {
  const id = change.id ?? randomBytes(16).toString('hex');
  const createdAt = change.createdAt ?? MAY;
  const base = { id, accountId, kind: 'image' as const, createdAt, expiresAt: createdAt + DAY };
  return { ...base, message: message(id, createdAt), ...change };
}

const completed = (at = MAY): JobEnd => ({ state: 'completed', at, charged: true, seed: 1 });
const failed = (at = MAY): JobEnd => ({ state: 'failed', at, charged: false, errorCode: 'EXECUTOR_DIED' });

/** What the API relies on, checked against one engine with real files or a real server. */
export function testDatabase(name: string, open: () => Promise<Database>): void {
  describe(name, () => {
    let database: Database;
    let accountId: string;
    let key: string;
    const submit = (change: Partial<NewJob> = {}, limits = WIDE) =>
      admit(database, limits, newJob(accountId, change));
    const admitted = async (change: Partial<NewJob> = {}, limits = WIDE) => {
      const job = newJob(accountId, change);
      expect(await admit(database, limits, job)).toEqual({ outcome: 'admitted' });
      return job.id;
    };
    const used = (month = '2026-05', kind: 'image' | 'video' = 'image') =>
      monthCounter(database.read, accountId, month, kind);
    const code = (admission: Admission) =>
      admission.outcome === 'limited' ? admission.refusal.code : admission.outcome;

    beforeAll(async () => {
      database = await open();
    });
    beforeEach(async () => {
      ({ accountId, key } = await createAccount(database, 'test', MAY));
    });
    afterAll(async () => {
      expect((await verifyLedger(database)).differences).toEqual([]);
      await database.close();
    });

    it('makes a first account only in an empty database', async () => {
      expect(await createFirstAccount(database, 'again', MAY)).toBeUndefined();
    });

    it('finds a key by its public part and stores only its hash', async () => {
      const id = apiKeyId(key)!;
      const found = await findKey(database.read, id);
      expect(found?.account.id).toBe(accountId);
      expect(found?.hash).toBe(hashApiKey(key));
      expect(found?.hash).not.toContain(key.slice(20));
    });

    it('rotates a key once, however often it is asked at the same time', async () => {
      const id = apiKeyId(key)!;
      const issued = await Promise.all([1, 2, 3].map(() => rotateKey(database, accountId, id, MAY)));
      const [only, ...others] = issued.filter((each) => each !== undefined);
      expect(others).toEqual([]);
      expect(await findKey(database.read, id)).toBeUndefined();
      expect((await findKey(database.read, apiKeyId(only.key)!))?.account.id).toBe(accountId);
    });

    it('admits a job with its outbox row, reservation and ledger entry together', async () => {
      const id = await admitted();
      expect(await findJob(database.read, accountId, id)).toMatchObject({ state: 'queued', stored: 1 });
      expect(await findJob(database.read, 'other', id)).toBeUndefined();
      expect((await used()).used).toBe(1);
      expect(await dayUsed(database.read, accountId, '2026-05-10', 'image')).toBe(1);
      const sent = await claimOutbox(database, 100_000, MAY, 1000);
      expect(sent.filter((item) => item.jobId === id)).toHaveLength(1);
      await markSent(
        database,
        sent.map((item) => item.jobId),
      );
      expect(await claimOutbox(database, 100_000, MAY + 2000, 1000)).toEqual([]);
    });

    it('writes nothing when a transaction fails half way', async () => {
      const id = await admitted();
      await expect(submit({ id })).rejects.toThrow(/unique|duplicate/i);
      expect((await used()).used).toBe(1);
    });

    it('keeps a write that need not last apart from its failure, and shows it at once', async () => {
      const account = await createAccount(database, 'light', MAY);
      const rename = (name: string, fail: boolean): Promise<void> =>
        database.write(
          async (tx) => {
            await tx.updateTable('accounts').set({ name }).where('id', '=', account.accountId).execute();
            if (fail) throw new Error('half way');
          },
          { durable: false },
        );
      await rename('lighter', false);
      await expect(rename('lightest', true)).rejects.toThrow('half way');
      const names = await database.read
        .selectFrom('accounts')
        .select('name')
        .where('id', '=', account.accountId)
        .execute();
      expect(names).toEqual([{ name: 'lighter' }]);
    });

    it('gives the outbox to one sender at a time and back after a failure', async () => {
      const id = await admitted();
      const first = await claimOutbox(database, 100_000, MAY, 1000);
      expect(first.map((item) => item.jobId)).toContain(id);
      expect(await claimOutbox(database, 100_000, MAY + 500, 1000)).toEqual([]);
      await unclaimOutbox(database, [id]);
      expect((await claimOutbox(database, 100_000, MAY + 500, 1000)).map((item) => item.jobId)).toEqual([id]);
      expect((await claimOutbox(database, 100_000, MAY + 9000, 1000)).length).toBeGreaterThan(0);
    });

    it('stops at the allowance, hard, until overage is turned on', async () => {
      const limits = { ...WIDE, imagesPerMonth: 2 };
      await admitted({}, limits);
      await admitted({}, limits);
      expect(code(await submit({}, limits))).toBe('monthly_allowance_reached');
      await setOverageCap(database, accountId, 10, MAY);
      await admitted({}, limits);
      expect(await used()).toEqual({ used: 3, overage: 1, charged_cents: 5 });
      await admitted({}, limits);
      expect(code(await submit({}, limits))).toBe('overage_budget_reached');
    });

    it('gives back the overage price when any job of the month fails', async () => {
      const limits = { ...WIDE, imagesPerMonth: 1 };
      await setOverageCap(database, accountId, 1000, MAY);
      const first = await admitted({}, limits);
      const second = await admitted({}, limits);
      await endJob(database, limits, first, failed());
      expect(await used()).toEqual({ used: 1, overage: 0, charged_cents: 0 });
      await endJob(database, limits, second, failed());
      expect(await used()).toEqual({ used: 0, overage: 0, charged_cents: 0 });
    });

    it('carries unused overage budget over months', async () => {
      const limits = { ...WIDE, videosPerMonth: 0 };
      const at = (month: number) => Date.UTC(2026, month, 15);
      await setOverageCap(database, accountId, 100, at(4));
      await admitted({ kind: 'video', createdAt: at(4) }, limits);
      expect(await readOverageBudget(database.read, accountId, '2026-05')).toMatchObject({
        totalCents: 100,
        remainingCents: 50,
      });
      expect(await readOverageBudget(database.read, accountId, '2026-07')).toMatchObject({
        carriedCents: 150,
        remainingCents: 250,
      });
    });

    it('settles a job once: the first end wins', async () => {
      const id = await admitted();
      const ends = [endJob(database, WIDE, id, completed()), endJob(database, WIDE, id, failed())];
      const done = (await Promise.all(ends)).filter((job) => job !== undefined);
      expect(done).toHaveLength(1);
      const job = await findJob(database.read, accountId, id);
      expect((await used()).used).toBe(job?.state === 'completed' ? 1 : 0);
      expect(await endJob(database, WIDE, 'unknown', completed())).toBeUndefined();
    });

    it('gives a failed job back to the month it was submitted in', async () => {
      const id = await admitted({ createdAt: Date.UTC(2026, 4, 31, 23, 59, 59) });
      await endJob(database, WIDE, id, failed(Date.UTC(2026, 5, 1, 0, 1)));
      expect((await used('2026-05')).used).toBe(0);
      expect((await used('2026-06')).used).toBe(0);
    });

    it('holds the daily cap, lifts it on request and starts anew the next day', async () => {
      const limits = { ...WIDE, imagesPerDay: 1 };
      await admitted({}, limits);
      expect(code(await submit({}, limits))).toBe('daily_cap_reached');
      await setDailyLift(database, accountId, MAY + DAY);
      await admitted({}, limits);
      await setDailyLift(database, accountId, null);
      expect(code(await submit({}, limits))).toBe('daily_cap_reached');
      await admitted({ createdAt: MAY + DAY }, limits);
    });

    it('holds the number of concurrent jobs until one ends', async () => {
      const limits = { ...WIDE, concurrentJobs: 2 };
      const id = await admitted({}, limits);
      await admitted({}, limits);
      expect(code(await submit({}, limits))).toBe('concurrent_jobs_limit');
      await endJob(database, limits, id, completed());
      await admitted({}, limits);
    });

    it('admits exactly what is left when many ask at once', async () => {
      const limits = { ...WIDE, imagesPerMonth: 20 };
      const asked = await Promise.all(Array.from({ length: 60 }, () => submit({}, limits)));
      expect(asked.filter((each) => each.outcome === 'admitted')).toHaveLength(20);
      expect((await used()).used).toBe(20);
    });

    it('allows 20 requests in any 60 seconds, also when they come at once', async () => {
      const count = (at: number) => countRequest(database, accountId, 20, at);
      const together = await Promise.all(Array.from({ length: 30 }, () => count(MAY)));
      expect(together.filter((each) => each.allowed)).toHaveLength(20);
      expect(await count(MAY + MINUTE - 1)).toMatchObject({ allowed: false, resetAt: MAY + MINUTE });
      expect(await count(MAY + MINUTE)).toMatchObject({ allowed: true, remaining: 19 });
    });

    it('replays an Idempotency-Key instead of admitting again', async () => {
      const idempotency = { key: 'once', fingerprint: 'f' };
      const jobs = [newJob(accountId, { idempotency }), newJob(accountId, { idempotency })];
      const outcomes = await Promise.all(jobs.map((job) => admit(database, WIDE, job)));
      expect(outcomes.map((each) => each.outcome).sort()).toEqual(['admitted', 'replayed']);
      const winner = jobs[outcomes.findIndex((each) => each.outcome === 'admitted')].id;
      expect(outcomes.find((each) => each.outcome === 'replayed')).toEqual({
        outcome: 'replayed',
        previous: { jobId: winner, fingerprint: 'f' },
      });
      expect((await used()).used).toBe(1);
    });

    it('suspends after more than half of at least ten attempts were rejected', async () => {
      const suspended = async () => (await findKey(database.read, apiKeyId(key)!))?.account.suspended_until;
      for (let n = 0; n < 4; n += 1) await admitted();
      for (let n = 0; n < 5; n += 1) await recordRefusal(database, accountId, MAY);
      expect(await suspended()).toBeNull();
      const last = await admitted();
      await endJob(database, WIDE, last, { state: 'blocked', at: MAY + 1, charged: true, error: 'no' });
      expect(await suspended()).toBe(MAY + 1 + DAY);
      expect((await submit({ createdAt: MAY + DAY })).outcome).toBe('suspended');
      expect((await submit({ createdAt: MAY + DAY + 1 })).outcome).toBe('admitted');
      await setSuspension(database, accountId, undefined, MAY + 2);
      await recordRefusal(database, accountId, MAY + 3);
      expect(await suspended()).toBeNull();
    });

    it('purges: an unsent job at once, a sent one when it has stopped', async () => {
      const unsent = await admitted();
      expect(await purgeJob(database, accountId, unsent, MAY)).toBe('unsent');
      const sent = await admitted();
      await claimOutbox(database, 100_000, MAY, 1000);
      expect(await purgeJob(database, 'other', sent, MAY)).toBe('missing');
      expect(await purgeJob(database, accountId, sent, MAY)).toBe('active');
      expect(await purgeJob(database, accountId, sent, MAY)).toBe('missing');
      expect(await findJob(database.read, accountId, sent)).toBeUndefined();
      expect(await listJobs(database.read, accountId, 10, undefined)).toEqual([]);
      for (const id of [unsent, sent]) {
        await endJob(database, WIDE, id, { state: 'cancelled', at: MAY, charged: false });
      }
      const due = (await jobsToForget(database.read, MAY - DAY, 1000)).map((job) => job.id);
      expect(due).toEqual(expect.arrayContaining([unsent, sent]));
      await forgetJob(database, sent);
      expect((await used()).used).toBe(0);
    });

    it('finds what waits ahead, what is old and what was abandoned', async () => {
      const first = await admitted();
      const second = await admitted();
      const { seq } = (await findJob(database.read, accountId, second))!;
      expect(await jobsAhead(database.read, 'image', seq)).toContain(first);
      await endJob(database, WIDE, first, completed(MAY - 8 * DAY));
      expect(await jobsAhead(database.read, 'image', seq)).not.toContain(first);
      expect((await jobsToForget(database.read, MAY - 7 * DAY, 1000)).map((job) => job.id)).toContain(first);
      const inline = await admitted({ message: undefined, leaseUntil: MAY + MINUTE });
      const ids = async (now: number) => (await abandonedJobs(database.read, now, 0)).map((job) => job.id);
      expect(await ids(MAY)).not.toContain(inline);
      expect(await ids(MAY + MINUTE)).toContain(inline);
      expect(await findJob(database.read, accountId, inline)).toMatchObject({ request: null, stored: 0 });
    });

    it('lists an account, newest first, page by page', async () => {
      const ids = [await admitted(), await admitted(), await admitted()];
      const page = await listJobs(database.read, accountId, 2, undefined);
      expect(page.map((job) => job.id)).toEqual([ids[2], ids[1]]);
      const rest = await listJobs(database.read, accountId, 2, page[1].seq);
      expect(rest.map((job) => job.id)).toEqual([ids[0]]);
    });

    it('makes a webhook due when its job ends and gives it to one sender', async () => {
      const id = await admitted({ webhookUrl: 'https://example.com/hook' });
      expect(await claimWebhooks(database, 10, MAY + DAY, 1000)).toEqual([]);
      await endJob(database, WIDE, id, completed());
      const claims = await Promise.all([1, 2].map(() => claimWebhooks(database, 10, MAY, 1000)));
      const mine = claims.flat().filter((due) => due.job.id === id);
      expect(mine).toHaveLength(1);
      expect(mine[0].secret).toMatch(/^whsec_/);
      await recordDelivery(database, id, { state: 'due', nextAt: MAY + 5000, error: '500' });
      expect(await findWebhook(database, id)).toMatchObject({ attempts: 1, last_error: '500' });
      expect(await claimWebhooks(database, 10, MAY + 4999, 1000)).toEqual([]);
      expect(await claimWebhooks(database, 10, MAY + 5000, 1000)).toHaveLength(1);
      await recordDelivery(database, id, { state: 'delivered', nextAt: 0, error: null });
    });

    it('refuses to change the ledger, and the proof finds a counter that was tampered with', async () => {
      await admitted();
      await expect(database.read.updateTable('ledger').set({ units: 0 }).execute()).rejects.toThrow(
        /append-only/,
      );
      await expect(database.read.deleteFrom('ledger').execute()).rejects.toThrow(/append-only/);
      expect((await verifyLedger(database)).differences).toEqual([]);
      const tamper = (used: number) =>
        database.write(async (tx) => {
          await tx.updateTable('month_counters').set({ used }).where('account_id', '=', accountId).execute();
        });
      await tamper(0);
      expect((await verifyLedger(database)).differences).toEqual([
        `month ${accountId} 2026-05 image: used is 0, the ledger says 1`,
      ]);
      await tamper(1);
    });

    it('changes its version with every commit, or has none', async () => {
      const before = database.version();
      expect(database.version()).toBe(before);
      await admitted();
      if (before !== undefined) expect(database.version()).not.toBe(before);
    });
  });
}
