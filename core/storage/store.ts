import type { Readable } from 'node:stream';
import type { Released } from '../released.js';

/** Bytes `start` to `end` of a file, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a store knows of a file without reading it. */
export interface StoredFile {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

/** An opened file; the reader must consume or destroy `stream`. */
export interface OpenedFile {
  readonly stream: Readable;
  readonly contentType: string;
  /** Size of the whole file, also when a range was asked. */
  readonly totalBytes: number;
}

/**
 * Where finished results live. The daemon puts, the API signs, opens and removes. Two drivers pass one suite
 * (`contract.ts`): a local folder and any S3-compatible bucket.
 */
export interface ResultStore {
  /**
   * Stores a release under a key, whole or not at all. Putting the same key again replaces it.
   *
   * @throws RELEASE_MISMATCH when the bytes are not those that were released
   * @throws DISK_FULL when there is no space left
   * @throws STORAGE_UNAVAILABLE when the store cannot be reached or refuses
   */
  put(key: string, released: Released): Promise<void>;

  /** A reader over the file or a part of it; undefined when there is no such file. */
  open(key: string, range?: ByteRange): Promise<OpenedFile | undefined>;

  /** Size and age of a file; undefined when there is no such file. */
  stat(key: string): Promise<StoredFile | undefined>;

  /** Deletes a file; a file that is not there is no error. */
  remove(key: string): Promise<void>;

  /** A URL that gives the file to whoever holds it, for so many seconds from now. */
  signedUrl(key: string, expiresInSeconds: number, filename: string): Promise<string>;

  /** Every file whose key starts with the prefix, in no particular order. */
  list(prefix?: string): AsyncIterable<StoredFile>;

  /** Removes what writes left behind that began before this instant and never finished. */
  tidy(olderThan: Date): Promise<void>;
}
