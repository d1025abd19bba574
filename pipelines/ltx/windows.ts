import type { RgbImage } from '../../core/media.js';
import { blendFrames, frameOf } from './frames.js';
import type { Clip } from './tiles.js';

/** How a long film is cut for decoding, in latent frames. */
export interface WindowSize {
  readonly latents: number;
  /** Latent frames that two neighbouring windows share; all but the first of them are cross-faded. */
  readonly overlap: number;
}

/** Latent frames of each window, `[from, to)`. */
export function windowsOf(latentFrames: number, size: WindowSize): { from: number; to: number }[] {
  const windows = [{ from: 0, to: Math.min(size.latents, latentFrames) }];
  while (windows.at(-1)!.to < latentFrames) {
    const from = windows.at(-1)!.to - size.overlap;
    windows.push({ from, to: Math.min(from + size.latents, latentFrames) });
  }
  return windows;
}

/**
 * Frames of a film, decoded window by window: a window's first latent decodes to one frame only, as the first of
 * a film does, so that frame is dropped and the rest of the shared stretch is cross-faded. Each frame is given out
 * as soon as no later window can change it; what is held is one window and the stretch it shares with the next.
 */
export async function* decodeWindows(
  latentFrames: number,
  framesPerLatent: number,
  size: WindowSize,
  decode: (from: number, to: number) => Promise<Clip>,
): AsyncGenerator<RgbImage> {
  let held: RgbImage[] = [];
  for (const { from, to } of windowsOf(latentFrames, size)) {
    const clip = await decode(from, to);
    const first = from === 0 ? 0 : 1;
    const last = to === latentFrames;
    const kept = last ? clip.frames : clip.frames - (size.overlap - 1) * framesPerLatent;
    const next: RgbImage[] = [];
    for (let frame = first; frame < clip.frames; frame++) {
      let image = frameOf(clip, frame);
      const shared = held[frame - first];
      if (from > 0 && shared !== undefined) {
        image = blendFrames(shared, image, (frame - first + 1) / (held.length + 1));
      }
      if (frame < kept) yield image;
      else next.push(image);
    }
    held = next;
  }
}
