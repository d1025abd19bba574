import type { ModelPack } from '../models/pack/pack.js';

export type Size = readonly [width: number, height: number];

/** Shapes that models of one native area are asked for, width to height. */
const SHAPES: readonly Size[] = [
  [1, 1],
  [5, 4],
  [4, 5],
  [4, 3],
  [3, 4],
  [3, 2],
  [2, 3],
  [16, 9],
  [9, 16],
  [2, 1],
  [1, 2],
];
/** UNets halve their latents up to three times; sides of this many latents fit all of them. */
const LATENTS_STEP = 8;
/** In pixels; what compresses deeper than others needs fewer latents for it. */
const PIXELS_STEP = 64;

/** Sizes the manifest names, else sizes of the area that the denoiser's config tells it was trained at. */
export function nativeSizesOf(
  pack: ModelPack,
  config: { readonly sample_size?: number | readonly number[] | null | undefined },
  downscale: number,
): readonly Size[] {
  const named = pack.manifest?.nativeSizes ?? [];
  if (named.length > 0) return named;
  const { sample_size: sample } = config;
  const side = typeof sample === 'number' ? sample : (sample?.[0] ?? 64);
  const wanted = Math.max(1, Math.min(LATENTS_STEP, Math.floor(PIXELS_STEP / downscale)));
  const step = side % wanted === 0 ? wanted : 1;
  const fit = (latents: number) => Math.max(step, Math.round(latents / step) * step) * downscale;
  return SHAPES.map(([w, h]) => [fit(side * Math.sqrt(w / h)), fit(side * Math.sqrt(h / w))] as const);
}

/** The native size whose shape is nearest to the asked one; of equals, the nearest in area. */
export function nearestNative(sizes: readonly Size[], width: number, height: number): Size {
  const cost = ([w, h]: Size) =>
    Math.abs(Math.log(w / h / (width / height))) + 1e-3 * Math.abs(Math.log((w * h) / (width * height)));
  return sizes.reduce((best, size) => (cost(size) < cost(best) ? size : best));
}
