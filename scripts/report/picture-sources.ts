import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { RgbImage } from '../../core/media.js';
import { PROJECT_ROOT } from '../../core/paths.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import { openPipeline } from '../../pipelines/registry.js';
import { drawnPicture } from './drawn-pictures.js';
import { noisePicture, texturePicture } from './texture-pictures.js';

/** A picture that the watermark is tried on. */
export interface Source {
  readonly name: string;
  load(): Promise<RgbImage>;
}

/** Pictures of a folder, by name; made smaller where the short side is longer than asked for. */
export function folderSources(folder: string, first = Infinity, short?: number): Source[] {
  return readdirSync(folder)
    .filter((name) => /\.(png|jpe?g|webp)$/.test(name))
    .sort()
    .slice(0, first)
    .map((name) => ({
      name,
      load: async () => {
        const { data, info } = await sharp(join(folder, name))
          .toColourspace('srgb')
          .removeAlpha()
          .resize({ width: short, height: short, fit: 'outside', withoutEnlargement: true })
          .raw()
          .toBuffer({ resolveWithObject: true });
        return { width: info.width, height: info.height, data };
      },
    }));
}

function numbered(
  kind: string,
  count: number,
  make: (seed: number) => Promise<RgbImage> | RgbImage,
): Source[] {
  return Array.from({ length: count }, (_, seed) => ({
    name: `${kind} ${seed}`,
    load: async () => await make(seed),
  }));
}

export const drawnSources = (count: number): Source[] =>
  numbered('drawn', count, async (seed) => (await drawnPicture(seed)).picture);
export const textureSources = (count: number): Source[] => numbered('texture', count, texturePicture);
export const noiseSources = (count: number): Source[] => numbered('noise', count, noisePicture);

/** What the starter pack knows, by day and by night, still and busy, pale and loud. */
const PROMPTS = [
  'a lighthouse by a black sea at night',
  'a red car on a city street in the rain',
  'a yellow house in a snowy field at dusk',
  'a green frog on a wooden table',
  'a white sailing boat on a calm lake at sunrise',
  'a rocket among the stars',
  'a purple fish in a coral reef',
  'a hot air balloon above the clouds',
  'an orange cat in a living room',
  'a neon-lit alley in tokyo at night',
  'a camel among sand dunes at noon',
  'a deer in a deep forest in fog',
  'a blue bird in a meadow next to a tree',
  'a black horse in front of mountains',
  'a pink flower on a windowsill at home',
  'a train below snowy peaks',
  'a full moon over the ocean',
  'an apple and a banana on a kitchen table',
  'a penguin on the ice',
  'a brown dog on a sandy beach at sunset',
  'a castle on a hill in the rain',
  'an octopus at the bottom of the ocean',
  'a bicycle in a park in autumn',
  'a planet in outer space',
];
const SIZES = [
  [512, 512],
  [1024, 1024],
  [768, 512],
  [512, 768],
] as const;

/** Pictures that the starter pack makes, unmarked; `close` when done. */
export async function starterSources(
  count: number,
): Promise<{ sources: Source[]; close: () => Promise<void> }> {
  const pipeline = await openPipeline(join(PROJECT_ROOT, 'models/packs/starter-image'), {
    device: 'cpu',
    threads: 1,
    verifyDigests: false,
  });
  if (pipeline.kind !== 'image') throw new Error('the starter pack makes no pictures');
  const sources = numbered('starter', count, async (seed) => {
    // So that a prompt that comes again comes in another size.
    const [width, height] = SIZES[(seed + Math.floor(seed / PROMPTS.length)) % SIZES.length];
    const prompt = PROMPTS[seed % PROMPTS.length];
    return await generateExactly(
      pipeline,
      { prompt, seed, width, height },
      { progress: async () => undefined },
    );
  });
  return { sources, close: () => pipeline.release() };
}
