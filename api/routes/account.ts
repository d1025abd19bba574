import { maskedKey } from '../auth/api-key.js';
import { countActive } from '../database/admission.js';
import { rotateKey } from '../database/accounts.js';
import { dayUsed, monthCounter, readOverageBudget, setOverageCap } from '../database/ledger.js';
import { ApiError } from '../http/api-errors.js';
import {
  accountBody,
  overageBody,
  rotatedKey,
  usageBody,
  type AccountBody,
  type UsageBody,
} from '../http/schemas.js';
import { dayOf, monthOf } from '../metering/calendar.js';
import type { Caller } from '../auth/authenticate.js';
import type { Services } from '../services.js';
import type { App } from './app.js';
import { problems } from './problems.js';

async function readUsage({ database, settings, now }: Services, accountId: string): Promise<UsageBody> {
  const month = monthOf(now());
  const videos = await monthCounter(database.read, accountId, month, 'video');
  const images = await monthCounter(database.read, accountId, month, 'image');
  return {
    videos_used: videos.used,
    videos_overage: videos.overage,
    images_used: images.used,
    images_overage: images.overage,
    overage_charged_cents: videos.charged_cents + images.charged_cents,
    base_videos_allowance: settings.limits.videosPerMonth,
    base_images_allowance: settings.limits.imagesPerMonth,
    month_start: `${month}-01`,
  };
}

async function readAccount(services: Services, { account, keyId }: Caller): Promise<AccountBody> {
  const { database, settings, now } = services;
  const { limits } = settings;
  const at = now();
  const budget = await readOverageBudget(database.read, account.id, monthOf(at));
  const used = (kind: 'video' | 'image') => dayUsed(database.read, account.id, dayOf(at), kind);
  return {
    name: account.name,
    key: maskedKey(keyId),
    usage: await readUsage(services, account.id),
    today: {
      videos: { used: await used('video'), limit: limits.videosPerDay },
      images: { used: await used('image'), limit: limits.imagesPerDay },
      lifted: account.daily_lift_until !== null && account.daily_lift_until > at,
    },
    active_jobs: { used: await countActive(database.read, account.id), limit: limits.concurrentJobs },
    requests_per_minute: limits.requestsPerMinute,
    overage: {
      monthly_cap_cents: budget.capCents,
      carried_cents: budget.carriedCents,
      remaining_cents: budget.remainingCents,
      cents_per_video: limits.overageCentsPerVideo,
      cents_per_image: limits.overageCentsPerImage,
    },
    webhook_secret: account.webhook_secret,
  };
}

/** `GET /v1/usage`, `POST /v1/keys/rotate`, and what the console needs of an account. */
export function accountRoutes(app: App, services: Services): void {
  app.get(
    '/v1/usage',
    {
      schema: {
        summary: 'Current-month allowance counters',
        tags: ['Account'],
        response: { 200: usageBody, ...problems() },
      },
    },
    (request) => readUsage(services, request.caller.account.id),
  );

  app.post(
    '/v1/keys/rotate',
    {
      schema: {
        summary: 'Issue a new key, invalidate the current one',
        tags: ['Account'],
        response: { 200: rotatedKey, ...problems() },
      },
    },
    async (request) => {
      const { account, keyId } = request.caller;
      const issued = await rotateKey(services.database, account.id, keyId, services.now());
      // Another rotation of the same key came first.
      if (issued === undefined)
        throw new ApiError('invalid_key', 'The API key was rotated by another request.');
      return { api_key: issued.key };
    },
  );

  app.get(
    '/v1/account',
    {
      config: { uncounted: true },
      schema: {
        summary: 'Limits, overage and webhook secret',
        tags: ['Account'],
        response: { 200: accountBody, ...problems() },
      },
    },
    (request) => readAccount(services, request.caller),
  );

  app.put(
    '/v1/account/overage',
    {
      schema: {
        summary: 'Set the monthly overage budget, or turn overage off',
        tags: ['Account'],
        body: overageBody,
        response: { 200: accountBody, ...problems() },
      },
    },
    async (request) => {
      const { account } = request.caller;
      await setOverageCap(services.database, account.id, request.body.monthly_cap_cents, services.now());
      return readAccount(services, request.caller);
    },
  );
}
