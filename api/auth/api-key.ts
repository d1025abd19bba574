import crypto, { createHash, randomInt, timingSafeEqual } from 'node:crypto';

const PREFIX = 'zsky_live_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 8;
/** 43 characters of 62: 256 bits. */
const SECRET_LENGTH = 43;
const FORM = new RegExp(`^${PREFIX}[0-9A-Za-z]{${ID_LENGTH + SECRET_LENGTH}}$`);

function random(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** A new key, to be shown once, and what is stored of it. */
export function newApiKey(): { readonly key: string; readonly id: string; readonly hash: string } {
  const id = random(ID_LENGTH);
  const key = `${PREFIX}${id}${random(SECRET_LENGTH)}`;
  return { key, id, hash: hashApiKey(key) };
}

/** The public part of a key, which finds its row; undefined when it does not look like a key. */
export function apiKeyId(key: string): string | undefined {
  return FORM.test(key) ? key.slice(PREFIX.length, PREFIX.length + ID_LENGTH) : undefined;
}

/** What is stored of a key. Keys are 256 random bits, so one fast hash is as good as a slow one. */
export function hashApiKey(key: string): string {
  // Twice as fast, and every request pays for it; Node has it from 20.12 on.
  return typeof crypto.hash === 'function'
    ? crypto.hash('sha256', key, 'hex')
    : createHash('sha256').update(key).digest('hex');
}

/** Compares two hashes in constant time. */
export function sameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** How a key is named in lists: recognisable, useless. */
export function maskedKey(id: string): string {
  return `${PREFIX}${id}…`;
}
