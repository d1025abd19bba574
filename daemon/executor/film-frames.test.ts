import { describe, expect, it } from 'vitest';
import { FrameSampler } from './film-frames.js';

const flat = (level: number) => ({ width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).fill(level) });

describe('FrameSampler', () => {
  it('takes the first, the last, a beat between, and a sudden change', () => {
    const sampler = new FrameSampler(30, 12);
    const chosen = Array.from({ length: 30 }, (_, index) => index).filter((index) =>
      sampler.wants(flat(index === 7 ? 200 : 100)),
    );
    // The change back from frame 7 is a change too.
    expect(chosen).toEqual([0, 7, 8, 12, 24, 29]);
  });

  it('keeps the most different of the rest, wherever in the picture the difference is', () => {
    const corner = (level: number) => {
      const frame = flat(100);
      for (let y = 0; y < 8; y++) frame.data.fill(level, y * 96, y * 96 + 24);
      return frame;
    };
    const sampler = new FrameSampler(60, 60);
    const frames = Array.from({ length: 60 }, (_, i) =>
      i === 20 ? corner(255) : i === 40 ? corner(150) : flat(100),
    );
    const chosen = frames.filter((frame) => sampler.wants(frame));
    expect(chosen).toEqual([frames[0], frames[59]]);
    const kept = sampler.mostDifferent();
    expect(kept.slice(0, 2)).toEqual([frames[20], frames[40]]);
    expect(kept.length).toBeLessThanOrEqual(4);
  });
});
