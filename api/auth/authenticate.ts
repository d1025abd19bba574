import type { FastifyReply, FastifyRequest } from 'fastify';
import { countRequest } from '../database/burst.js';
import { findKey } from '../database/accounts.js';
import type { Account } from '../database/schema.js';
import { ApiError } from '../http/api-errors.js';
import { VersionedCache } from '../http/versioned-cache.js';
import type { Services } from '../services.js';
import { apiKeyId, hashApiKey, sameHash } from './api-key.js';

/** Who is calling. */
export interface Caller {
  readonly keyId: string;
  readonly account: Account;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** Reading a job is not counted: a client that polls as documented would use up its minute. */
    readonly uncounted?: boolean;
  }
}

/** Refuses suspended accounts, saying why and until when. */
export function refuseSuspended(account: Account, now: number): void {
  const { suspended_until: until, suspended_reason: reason } = account;
  if (until === null || until <= now) return;
  const seconds = Math.ceil((until - now) / 1000);
  throw new ApiError(
    'key_suspended',
    `This API key is suspended until ${new Date(until).toISOString()}. ${reason ?? ''}`.trim(),
    {
      headers: { 'retry-after': String(seconds) },
      extra: { suspended_until: new Date(until).toISOString() },
    },
  );
}

/** Finds out who is calling and whether they may, in this order: key, suspension, burst limit. */
export class Authenticator {
  private readonly callers: VersionedCache<Caller>;

  constructor(private readonly services: Services) {
    this.callers = new VersionedCache(services.database);
  }

  /** fastify's onRequest hook of every route under /v1. */
  readonly hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const key = request.headers['x-api-key'];
    if (typeof key !== 'string' || key === '') {
      return done(new ApiError('missing_key', 'The X-API-Key header is missing.'));
    }
    const hash = hashApiKey(key);
    const cached = this.callers.get(hash);
    if (cached !== undefined && request.routeOptions.config.uncounted === true) {
      try {
        this.admit(request, cached);
      } catch (error) {
        return done(error as Error);
      }
      return done();
    }
    this.slowly(request, reply, key, hash, cached).then(
      () => done(),
      (error: unknown) => done(error as Error),
    );
  };

  private admit(request: FastifyRequest, caller: Caller): void {
    refuseSuspended(caller.account, this.services.now());
    request.caller = caller;
  }

  private async slowly(
    request: FastifyRequest,
    reply: FastifyReply,
    key: string,
    hash: string,
    cached: Caller | undefined,
  ): Promise<void> {
    const caller = cached ?? (await this.find(key, hash));
    this.admit(request, caller);
    if (request.routeOptions.config.uncounted !== true) await this.count(reply, caller.account.id);
  }

  private async find(key: string, hash: string): Promise<Caller> {
    const keyId = apiKeyId(key);
    const version = this.callers.version();
    const found = keyId === undefined ? undefined : await findKey(this.services.database.read, keyId);
    if (keyId === undefined || found === undefined || !sameHash(found.hash, hash)) {
      throw new ApiError('invalid_key', 'The API key is not valid. A key that was rotated no longer works.');
    }
    const caller = { keyId, account: found.account };
    this.callers.set(hash, caller, version);
    return caller;
  }

  private async count(reply: FastifyReply, accountId: string): Promise<void> {
    const { database, settings, now } = this.services;
    const limit = settings.limits.requestsPerMinute;
    const at = now();
    const decision = await countRequest(database, accountId, limit, at);
    const seconds = Math.max(1, Math.ceil((decision.resetAt - at) / 1000));
    const headers = {
      'ratelimit-limit': String(limit),
      'ratelimit-remaining': String(decision.remaining),
      'ratelimit-reset': String(seconds),
      'ratelimit-policy': `${limit};w=60`,
    };
    void reply.headers(headers);
    if (decision.allowed) return;
    throw new ApiError('burst_limit', `More than ${limit} requests in a minute. Try again in ${seconds} s.`, {
      headers: { 'retry-after': String(seconds) },
    });
  }
}
