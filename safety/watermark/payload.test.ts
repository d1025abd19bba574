import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc16, payloadFor, PAYLOAD_BYTES, toHex } from './payload.js';

test('a payload is 6 bytes: version, node tag, start of the job id', () => {
  const payload = payloadFor('node-1', '89abcdef0123456789abcdef01234567');
  expect(payload).toHaveLength(PAYLOAD_BYTES);
  expect(toHex(payload)).toMatch(/^1[0-9a-f]{3}89abcdef$/);
});

test('nodes differ in their tag, jobs in theirs', () => {
  const job = '0'.repeat(32);
  expect(toHex(payloadFor('a', job))).not.toBe(toHex(payloadFor('b', job)));
  expect(toHex(payloadFor('a', job)).slice(0, 4)).toBe(toHex(payloadFor('a', 'f'.repeat(32))).slice(0, 4));
});

test('the CRC is the published one and notices every single changed bit', () => {
  expect(crc16(new TextEncoder().encode('123456789'))).toBe(0x29b1);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.nat(47), (bytes, bit) => {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] ^= 1 << (bit & 7);
      expect(crc16(changed)).not.toBe(crc16(bytes));
    }),
  );
});
