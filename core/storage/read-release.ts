import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { NodeError } from '../errors.js';
import type { Released } from '../released.js';

/** Media bigger than this is never held in memory whole while it is stored. */
const CHUNK_BYTES = 1 << 20;

/** Pieces of a file, all in one buffer: fresh ones would stay in memory, as many as the file is long, until they are collected. */
async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function chunks({ source }: Released): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return source.type === 'memory' ? [source.data] : pieces(source.path);
}

function mismatch(bytes: number, sha256: string, released: Released): NodeError | undefined {
  const { facts } = released;
  if (bytes === facts.bytes && sha256 === facts.sha256) return undefined;
  return new NodeError(
    'RELEASE_MISMATCH',
    `the bytes to store (${bytes}, sha256 ${sha256.slice(0, 12)}…) are not those released (${facts.bytes}, ${facts.sha256.slice(0, 12)}…)`,
  );
}

/**
 * The released bytes, chunk by chunk, each valid until the next is asked for; fails at the end when they are not those
 * that were checked, so the reader must not publish before it saw the end.
 *
 * @throws RELEASE_MISMATCH
 */
export async function* releasedChunks(released: Released): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of chunks(released)) {
    hash.update(part);
    bytes += part.byteLength;
    yield part;
  }
  const problem = mismatch(bytes, hash.digest('hex'), released);
  if (problem !== undefined) throw problem;
}

/**
 * The released bytes in one piece, checked.
 *
 * @throws RELEASE_MISMATCH
 */
export async function releasedBytes(released: Released): Promise<Uint8Array> {
  const { source } = released;
  const data = source.type === 'memory' ? source.data : await readFile(source.path);
  const problem = mismatch(data.byteLength, createHash('sha256').update(data).digest('hex'), released);
  if (problem !== undefined) throw problem;
  return data;
}
