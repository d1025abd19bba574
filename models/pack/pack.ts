import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { modelIndex, packManifest, type ModelIndex, type PackManifest } from './manifest.js';
import { parsePythonJson } from './python-json.js';

/** A folder in the diffusers/Optimum layout, opened and checked. Graphs are loaded by pipelines. */
export interface ModelPack {
  readonly dir: string;
  readonly id: string;
  readonly index: ModelIndex;
  /** Absent for a plain export without our manifest. */
  readonly manifest: PackManifest | undefined;
  has(part: string): boolean;
  /** Absolute path of a file that must be there. @throws PACK_INVALID */
  file(path: string): string;
  /** A JSON file checked by a schema. @throws PACK_INVALID */
  json<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** `config.json` of a part; the schema's defaults where an old export has none. @throws PACK_INVALID */
  config<T>(part: string, schema: z.ZodType<T>): Promise<T>;
}

async function readJson<T>(dir: string, path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(join(dir, path), 'utf8');
  } catch (error) {
    throw new NodeError('PACK_INVALID', `pack ${dir}: ${path} is missing`, { cause: error });
  }
  let value: unknown;
  try {
    value = parsePythonJson(text);
  } catch (error) {
    throw new NodeError('PACK_INVALID', `pack ${dir}: ${path} is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`)
    .join('; ');
  throw new NodeError('PACK_INVALID', `pack ${dir}: ${path}: ${issues}`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

async function checkFiles(dir: string, manifest: PackManifest, digests: boolean): Promise<void> {
  for (const [path, expected] of Object.entries(manifest.files)) {
    if (path.startsWith('/') || path.split('/').includes('..')) {
      throw new NodeError(
        'PACK_INVALID',
        `pack ${dir}: manifest.json names a file outside the pack: ${path}`,
      );
    }
    const file = join(dir, path);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) throw new NodeError('PACK_INVALID', `pack ${dir}: ${path} is missing`);
    if (found.size !== expected.bytes) {
      throw new NodeError(
        'PACK_DIGEST_MISMATCH',
        `pack ${dir}: ${path} has ${found.size} bytes, expected ${expected.bytes}`,
      );
    }
    if (digests && (await sha256(file)) !== expected.sha256) {
      throw new NodeError(
        'PACK_DIGEST_MISMATCH',
        `pack ${dir}: ${path} differs from its digest in manifest.json`,
      );
    }
  }
}

/**
 * Opens a pack folder. With `verifyDigests` every file is read and compared with the manifest; sizes are
 * always compared.
 * @throws PACK_MISSING, PACK_INVALID, PACK_DIGEST_MISMATCH
 */
export async function openPack(folder: string, options: { verifyDigests: boolean }): Promise<ModelPack> {
  const dir = resolve(folder);
  if (!existsSync(join(dir, 'model_index.json'))) {
    throw new NodeError('PACK_MISSING', `${dir} is not a model pack: it has no model_index.json`);
  }
  const manifest = existsSync(join(dir, 'manifest.json'))
    ? await readJson(dir, 'manifest.json', packManifest)
    : undefined;
  if (manifest !== undefined) await checkFiles(dir, manifest, options.verifyDigests);
  const index = await readJson(dir, 'model_index.json', modelIndex);
  return {
    dir,
    id: manifest?.id ?? basename(dir),
    index,
    manifest,
    has: (part) => existsSync(join(dir, part)),
    file: (path) => {
      const full = join(dir, path);
      if (!existsSync(full)) throw new NodeError('PACK_INVALID', `pack ${dir}: ${path} is missing`);
      return full;
    },
    json: (path, schema) => readJson(dir, path, schema),
    config: async (part, schema) =>
      existsSync(join(dir, part, 'config.json'))
        ? await readJson(dir, `${part}/config.json`, schema)
        : schema.parse({}),
  };
}
