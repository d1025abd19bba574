import { lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { hasPrivateHost, isPrivateAddress } from './private-address.js';

const TIMEOUT_MS = 10_000;

/**
 * Resolves a name and hands out only public addresses. The connection is made to the very addresses that were
 * judged, so a name that changes its mind between two look-ups gains nothing.
 */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    const found = Array.isArray(addresses) ? addresses : [];
    const refused = found.find(({ address }) => isPrivateAddress(address));
    if (refused !== undefined || found.length === 0) {
      return callback(new Error(`${hostname} resolves to a private address`), []);
    }
    if (options.all === true) return callback(null, found);
    callback(null, found[0].address, found[0].family);
  });
};

/**
 * Posts JSON to a customer's URL and resolves to the answer's status. Redirects are not followed: they could
 * lead anywhere. Rejects when nothing answers in time or the address is private.
 */
export function postWebhook(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  allowPrivate: boolean,
): Promise<number> {
  if (!allowPrivate && hasPrivateHost(url)) return Promise.reject(new Error('the address is private'));
  return new Promise((resolve, reject) => {
    const send = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        method: 'POST',
        // A connection of its own each time: a pooled one would skip the look-up.
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'ZSky-Webhooks/1',
          ...headers,
        },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(allowPrivate ? {} : { lookup: publicLookup }),
      },
      (response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
