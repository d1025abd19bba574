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
});
