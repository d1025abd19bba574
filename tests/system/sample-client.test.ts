import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestSystem, type TestSystem } from '../support/system.js';

const exec = promisify(execFile);
const SOURCE = readFileSync(new URL('../fixtures/sample-client.py', import.meta.url), 'utf8');

let at: TestSystem;
const folder = mkdtempSync(join(tmpdir(), 'zsky-client-'));
beforeAll(async () => {
  at = await startTestSystem();
});
afterAll(async () => {
  await at.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the API document's client with nothing changed but its base address and, if given, its prompt. */
async function runClient(change: (source: string) => string = (source) => source): Promise<string> {
  const path = join(folder, 'client.py');
  writeFileSync(path, change(SOURCE.replace('"https://zsky.ai"', JSON.stringify(at.system.url))));
  const { stdout } = await exec('python3', [path], {
    cwd: folder,
    env: { ...process.env, ZSKY_API_KEY: at.key },
  });
  return stdout;
}

test('the sample client of the API document saves a picture of 1024x1024', async () => {
  expect(await runClient()).toMatch(/^Result: http/);
  const { format, width, height } = await sharp(join(folder, 'out.webp')).metadata();
  expect({ format, width, height }).toEqual({ format: 'webp', width: 1024, height: 1024 });
});

const withRefusedPrompt = (source: string): string =>
  source.replace('A coffee cup on a wooden table, photorealistic', 'a nude woman');

test('the sample client ends with the 451 of a prompt that is refused at the door', async () => {
  await expect(runClient(withRefusedPrompt)).rejects.toThrow(/HTTP Error 451/);
});

test('the sample client prints why when its job is blocked', async () => {
  // A door that gets no answer from the prompt check lets the job pass; the executor's own check then blocks it.
  const [, checker] = at.childrenOf(at.pidOf('daemon'));
  process.kill(checker, 'SIGSTOP');
  try {
    expect(await runClient(withRefusedPrompt)).toMatch(/^Failed: Sorry — our safety check stopped this/);
  } finally {
    process.kill(checker, 'SIGCONT');
  }
});
