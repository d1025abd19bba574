import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { NodeError } from '../errors.js';
import type { Released } from '../released.js';
import { checkKey, contentTypeOf, isKey } from './keys.js';
import { releasedChunks } from './read-release.js';
import { signDownload } from './signed-url.js';
import type { ByteRange, OpenedFile, ResultStore, StoredFile } from './store.js';

/** Settings of a result store in a folder. */
export interface LocalStoreOptions {
  readonly folder: string;
  /** Base of the URLs that the API serves the folder under, without a slash at the end. */
  readonly publicUrl: string;
  /** Key of the URLs' HMAC; the API must hold the same. */
  readonly secret: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Half-written files wait here; on the same file system, so that a rename is atomic. */
const TEMPORARY = '.incoming';

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function storageError(error: unknown, what: string): NodeError {
  if (error instanceof NodeError) return error;
  const full = codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';
  return new NodeError(
    full ? 'DISK_FULL' : 'STORAGE_UNAVAILABLE',
    `${what}: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}

/** Runs a file operation; undefined when the file is not there. */
async function unlessMissing<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw storageError(error, what);
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Results in a folder, downloaded through HMAC-signed URLs that the API serves. */
export class LocalStore implements ResultStore {
  constructor(private readonly options: LocalStoreOptions) {}

  private path(key: string): string {
    checkKey(key);
    return join(this.options.folder, key);
  }

  async put(key: string, released: Released): Promise<void> {
    const target = this.path(key);
    const temporary = join(this.options.folder, TEMPORARY, randomUUID());
    try {
      await mkdir(dirname(temporary), { recursive: true });
      const file = await open(temporary, 'wx');
      try {
        for await (const chunk of releasedChunks(released)) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.moveInto(temporary, target);
      // The rename itself must survive a power cut, and so must the folder made for it.
      await syncFolder(dirname(target));
      await syncFolder(this.options.folder);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw storageError(error, `cannot store ${key}`);
    }
  }

  private async moveInto(temporary: string, target: string): Promise<void> {
    for (let tries = 3; ; tries -= 1) {
      await mkdir(dirname(target), { recursive: true });
      try {
        await rename(temporary, target);
        return;
      } catch (error) {
        // A purge of the job's last file may take the folder away between the two calls.
        if (codeOf(error) !== 'ENOENT' || tries <= 1) throw error;
      }
    }
  }

  async open(key: string, range?: ByteRange): Promise<OpenedFile | undefined> {
    const path = this.path(key);
    return unlessMissing(`cannot open ${key}`, async () => {
      const handle = await open(path, 'r');
      const { size } = await handle.stat();
      const stream = createReadStream(path, { fd: handle, ...range });
      return { stream, contentType: contentTypeOf(key), totalBytes: size };
    });
  }

  async stat(key: string): Promise<StoredFile | undefined> {
    const path = this.path(key);
    return unlessMissing(`cannot look at ${key}`, async () => {
      const found = await stat(path);
      return { key, bytes: found.size, modifiedAt: found.mtime };
    });
  }

  async remove(key: string): Promise<void> {
    const path = this.path(key);
    await unlessMissing(`cannot remove ${key}`, () => rm(path));
    // Fails while other files of the job are there, which is what we want.
    await rmdir(dirname(path)).catch(() => undefined);
  }

  async signedUrl(key: string, expiresInSeconds: number, filename: string): Promise<string> {
    checkKey(key);
    const now = this.options.now?.() ?? Date.now();
    const expires = Math.floor(now / 1000) + expiresInSeconds;
    return signDownload(this.options.publicUrl, this.options.secret, key, expires, filename);
  }

  async *list(prefix = ''): AsyncGenerator<StoredFile> {
    const { folder } = this.options;
    // A prefix that names a whole folder is read alone; anything else walks the store.
    const start = prefix.endsWith('/') && isKey(`${prefix}x.x`) ? join(folder, prefix) : folder;
    const names = await unlessMissing('cannot list the store', () => readdir(start, { recursive: true }));
    for (const name of names ?? []) {
      const key = relative(folder, join(start, name)).split(sep).join('/');
      if (!isKey(key) || !key.startsWith(prefix)) continue;
      const found = await this.stat(key);
      if (found !== undefined) yield found;
    }
  }

  async tidy(olderThan: Date): Promise<void> {
    const folder = join(this.options.folder, TEMPORARY);
    const names = await unlessMissing('cannot tidy the store', () => readdir(folder));
    for (const name of names ?? []) {
      const path = join(folder, name);
      await unlessMissing('cannot tidy the store', async () => {
        if ((await stat(path)).mtime < olderThan) await rm(path);
      });
    }
  }
}
