import { createHmac, timingSafeEqual } from 'node:crypto';

/** Path under which the API serves files of a local store. */
export const DOWNLOAD_PATH = '/files/';

function signature(secret: string, key: string, expires: number, filename: string): string {
  return createHmac('sha256', secret).update(`${key}\n${expires}\n${filename}`).digest('base64url');
}

/** A download URL that is good until `expires` (seconds since 1970) and for this key and file name only. */
export function signDownload(
  publicUrl: string,
  secret: string,
  key: string,
  expires: number,
  filename: string,
): string {
  return `${publicUrl}${DOWNLOAD_PATH}${key}?expires=${expires}&filename=${encodeURIComponent(filename)}&signature=${signature(secret, key, expires, filename)}`;
}

/** Why a download URL is not followed. */
export type DownloadRefusal = 'forged' | 'expired';

/** Checks a download URL's parts against its signature and the clock; undefined when it is good. */
export function checkDownload(
  secret: string,
  key: string,
  query: { readonly expires: string; readonly filename: string; readonly signature: string },
  nowSeconds: number,
): DownloadRefusal | undefined {
  const expires = Number(query.expires);
  if (!Number.isSafeInteger(expires)) return 'forged';
  const want = Buffer.from(signature(secret, key, expires, query.filename));
  const got = Buffer.from(query.signature);
  // The signature first: an answer about expiry is only for links that were really issued.
  if (got.length !== want.length || !timingSafeEqual(got, want)) return 'forged';
  return nowSeconds >= expires ? 'expired' : undefined;
}
