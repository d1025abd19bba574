import { createHmac } from 'node:crypto';

/**
 * Headers of a signed message by the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA256 over
 * `id.timestamp.body` with the base64 part of a `whsec_` secret.
 */
export function signWebhook(
  secret: string,
  id: string,
  timestampSeconds: number,
  body: string,
): Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': `v1,${signature}`,
  };
}
