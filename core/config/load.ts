import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { NodeError } from '../errors.js';
import { leavesOf } from './leaves.js';
import { settingsSchema, type Settings } from './settings.js';

type Tree = { [key: string]: unknown };

function readFile(path: string): Tree {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new NodeError('CONFIG_INVALID', `the settings file ${path} cannot be read`, { cause: error });
  }
  try {
    return JSON.parse(text) as Tree;
  } catch (error) {
    throw new NodeError(
      'CONFIG_INVALID',
      `the settings file ${path} is not JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function setAt(tree: Tree, path: readonly string[], value: string): void {
  let branch = tree;
  for (const key of path.slice(0, -1)) {
    const next = branch[key];
    branch = branch[key] = typeof next === 'object' && next !== null ? { ...next } : {};
  }
  branch[path[path.length - 1]] = value;
}

/**
 * Settings from defaults, then the file named by `ZSKY_CONFIG`, then the environment.
 * Unknown keys and unknown ZSKY_ variables are refused, so that a typing error is not a silent default.
 * @throws CONFIG_INVALID
 */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  const tree: Tree = env.ZSKY_CONFIG === undefined ? {} : readFile(resolve(env.ZSKY_CONFIG));
  const leaves = leavesOf(settingsSchema);
  const known = new Set([...leaves.map((leaf) => leaf.env), 'ZSKY_CONFIG']);
  for (const name of Object.keys(env)) {
    if (name.startsWith('ZSKY_') && !known.has(name)) {
      throw new NodeError('CONFIG_INVALID', `there is no setting ${name}`, {
        hint: 'docs/settings.md lists them all.',
      });
    }
  }
  for (const leaf of leaves) {
    const value = env[leaf.env];
    if (value !== undefined) setAt(tree, leaf.path, value);
  }
  return parseSettings(tree);
}

/** Settings from an object as the settings file has it. @throws CONFIG_INVALID */
export function parseSettings(tree: unknown): Settings {
  const parsed = settingsSchema.safeParse(tree);
  if (parsed.success) return { ...parsed.data, dataDir: resolve(parsed.data.dataDir) };
  const lines = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`);
  throw new NodeError('CONFIG_INVALID', lines.join('; '), { hint: 'docs/settings.md lists every setting.' });
}
