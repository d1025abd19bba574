import { createHash } from 'node:crypto';

/** Bytes of a payload: 4 bits version, 12 bits node tag, 32 bits job tag. */
export const PAYLOAD_BYTES = 6;
const VERSION = 1;

/** The payload that names a node and a job. The node's name is hashed; the job tag is the start of its id. */
export function payloadFor(nodeId: string, jobId: string): Uint8Array {
  const node = createHash('sha256').update(nodeId).digest().readUInt16BE(0) & 0x0fff;
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  payload.writeUInt16BE((VERSION << 12) | node, 0);
  payload.writeUInt32BE(parseInt(jobId.slice(0, 8), 16), 2);
  return payload;
}

/** 12 lower-case hexadecimal characters. */
export function toHex(payload: Uint8Array): string {
  return Buffer.from(payload).toString('hex');
}

/** CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xffff). */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
