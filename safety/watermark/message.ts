import { encode, RATE } from './convolutional-code.js';
import { crc16, PAYLOAD_BYTES, toHex } from './payload.js';

const MESSAGE_BITS = PAYLOAD_BYTES * 8 + 16;
/** Coded bits of a message. */
export const CODED_BITS = RATE * MESSAGE_BITS;

function bitsOf(bytes: Uint8Array): number[] {
  return Array.from(bytes).flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1));
}

/** Payload, then its CRC-16, as the coded bits that a mark holds. */
export function codedBits(payload: Uint8Array): number[] {
  const crc = crc16(payload);
  return encode(bitsOf(Uint8Array.of(...payload, crc >> 8, crc & 255)));
}

/** The payload of a decoded message in hex, undefined where its CRC does not fit. */
export function payloadIn(bits: readonly number[]): string | undefined {
  const bytes = Uint8Array.from({ length: PAYLOAD_BYTES + 2 }, (_, index) =>
    bits.slice(index * 8, index * 8 + 8).reduce((byte, bit) => (byte << 1) | bit, 0),
  );
  const payload = bytes.subarray(0, PAYLOAD_BYTES);
  return crc16(payload) === (bytes[PAYLOAD_BYTES] << 8) + bytes[PAYLOAD_BYTES + 1]
    ? toHex(payload)
    : undefined;
}
