import { claimWebhooks, recordDelivery, type DueWebhook } from '../database/webhooks.js';
import { jobBody } from '../jobs/job-body.js';
import type { Services } from '../services.js';
import { postWebhook } from '../webhooks/post.js';
import { signWebhook } from '../webhooks/signature.js';
import { startLoop, type Loop } from './loop.js';

const POLL_MS = 1000;
const BATCH = 20;
const CLAIM_MS = 30_000;

/** Pauses after each failed try: about 29 hours in all, as the Standard Webhooks specification suggests. */
export const RETRY_AFTER_MS = [
  5_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3600_000,
  5 * 3600_000,
  10 * 3600_000,
  11 * 3600_000,
] as const;

async function deliver(services: Services, { webhook, job, secret }: DueWebhook): Promise<string | null> {
  const data = await jobBody(services, job);
  const timestamp = new Date(job.ended_at ?? services.now()).toISOString();
  const body = JSON.stringify({ type: `job.${job.state}`, timestamp, data });
  const headers = signWebhook(secret, `msg_${job.id}`, Math.floor(services.now() / 1000), body);
  const allowPrivate = services.settings.webhooksToPrivateAddresses;
  try {
    const status = await postWebhook(webhook.url, body, headers, allowPrivate);
    return status >= 200 && status < 300 ? null : `the receiver answered ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Delivers what is due once. True when there may be more. */
export async function sendDueWebhooks(services: Services): Promise<boolean> {
  const { database, now, log } = services;
  const due = await claimWebhooks(database, BATCH, now(), CLAIM_MS);
  await Promise.all(
    due.map(async (each) => {
      const error = await deliver(services, each);
      const pause = RETRY_AFTER_MS[each.webhook.attempts];
      const state = error === null ? 'delivered' : pause === undefined ? 'given-up' : 'due';
      await recordDelivery(database, each.job.id, { state, nextAt: now() + (pause ?? 0), error });
      if (error !== null) log.info({ jobId: each.job.id, state, reason: error }, 'a webhook was not taken');
    }),
  );
  return due.length === BATCH;
}

/** Sends webhooks as they fall due; jobs never wait for them. */
export function startWebhookSender(services: Services): Loop {
  return startLoop('webhooks', POLL_MS, services.log, () => sendDueWebhooks(services));
}
