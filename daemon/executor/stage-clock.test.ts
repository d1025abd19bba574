import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stage } from '../../core/messages.js';
import { RunMeter } from '../../models/run-meter.js';
import { Cancelled } from '../../pipelines/cancelled.js';
import { StageClock } from './stage-clock.js';

const WEIGHTS = { denoise: 80, watermark: 5, encode: 10, 'read-back': 5 };

let nowMs: number;
beforeEach(() => {
  nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => vi.restoreAllMocks());

describe('StageClock', () => {
  it('adds up the times of a stage that comes again, and never falls back', async () => {
    const meter = new RunMeter();
    const reports: { stage: Stage; fraction: number }[] = [];
    const clock = new StageClock(
      [meter],
      WEIGHTS,
      (report) => reports.push(report),
      () => false,
    );
    const spend = async (stage: Stage, ms: number, graphMs = 0, step = 0, steps = 1): Promise<void> => {
      await clock.progress(stage, step, steps);
      nowMs += ms;
      meter.add(graphMs);
    };
    await spend('denoise', 100, 90, 0, 2);
    await spend('denoise', 100, 90, 1, 2);
    for (const round of [1, 2, 3]) {
      await spend('watermark', 10 * round);
      await spend('encode', 20);
      await spend('read-back', 5);
    }
    expect(clock.finish('a pack')).toMatchObject({
      stages: [
        { stage: 'denoise', ms: 200, graphMs: 180 },
        { stage: 'watermark', ms: 60, graphMs: 0 },
        { stage: 'encode', ms: 60, graphMs: 0 },
        { stage: 'read-back', ms: 15, graphMs: 0 },
      ],
      totalMs: 335,
      graphMs: 180,
      pack: 'a pack',
    });
    const fractions = reports.map(({ fraction }) => fraction);
    expect(fractions).toEqual([0, 0.4, 0.8, 0.85, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95]);
  });

  it('keeps its place when the steps of a stage start anew', async () => {
    const fractions: number[] = [];
    const clock = new StageClock(
      [],
      { text: 1, denoise: 1 },
      ({ fraction }) => fractions.push(fraction),
      () => false,
    );
    for (const step of [0, 1, 2, 0, 2]) await clock.progress('text', step, 2);
    await clock.progress('denoise', 0, 1);
    // A step between the first and the last of a stage is told only some time after the one before.
    expect(fractions).toEqual([0, 0.5, 0.5, 0.5, 0.5]);
  });

  it('stops a cancelled job at its next step', async () => {
    const clock = new StageClock(
      [],
      WEIGHTS,
      () => undefined,
      () => true,
    );
    await expect(clock.progress('denoise', 0, 1)).rejects.toBeInstanceOf(Cancelled);
  });
});
