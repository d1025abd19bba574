import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { torchCpuNoise } from '../noise/torch-cpu.js';
import { createScheduler, SCHEDULER_CLASSES } from './registry.js';
import type { PlanOptions, Scheduler } from './scheduler.js';

/** One run of the reference; made by scripts/goldens/schedulers.py, where the toy denoiser is described. */
interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly plan: PlanOptions;
  readonly initNoiseSigma: number;
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
  /** First values of the sample after every evaluation. */
  readonly trajectory: readonly (readonly number[])[];
}

const FOLDER = new URL('./goldens/', import.meta.url);
const SIZE = 16;
const f = Math.fround;

function toyDenoiser(x: Float32Array, timestep: number): Float32Array {
  const g = (((timestep % 1000) + 1000) % 1000) / 1000;
  return x.map(
    (value, i) =>
      f(f(value * f(0.1 + 0.6 * g)) + f(f(0.05) * x[(i + 1) % SIZE])) +
      f(f(0.1) * f(((7 * i) % SIZE) / SIZE - 0.5)),
  );
}

function trajectoryOf(scheduler: Scheduler): Float32Array[] {
  const noise = torchCpuNoise(99);
  let sample: Float32Array = torchCpuNoise(1234)
    .randn(SIZE)
    .map((value) => value * scheduler.initNoiseSigma);
  return scheduler.timesteps.map((t, i) => {
    const output = toyDenoiser(scheduler.scaleModelInput(sample, i), t);
    sample = scheduler.step(output, i, sample, noise);
    return sample;
  });
}

/** Largest difference of two rows over the largest magnitude of the second. */
function relative(ours: ArrayLike<number>, theirs: readonly number[]): number {
  expect(ours.length).toBeGreaterThanOrEqual(theirs.length);
  let difference = 0;
  let size = 0;
  theirs.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(ours[i] - value));
    size = Math.max(size, Math.abs(value));
  });
  return difference / size;
}

/** Relative to each value itself; a zero must be zero. */
function worstOfEach(ours: readonly number[], theirs: readonly number[]): number {
  expect(ours).toHaveLength(theirs.length);
  return Math.max(0, ...theirs.map((value, i) => (ours[i] === value ? 0 : Math.abs(ours[i] / value - 1))));
}

const files = readdirSync(FOLDER);

it('has goldens of every scheduler', () => {
  expect(files.map((file) => file.replace('.json', '')).sort()).toEqual([...SCHEDULER_CLASSES].sort());
});

describe.each(files)('%s', (file) => {
  const goldens = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Golden[];

  it.each(
    goldens.map((golden, i) => ({ name: `${i}: ${JSON.stringify(golden.config)} ${golden.steps}`, golden })),
  )('$name', ({ golden }) => {
    const scheduler = createScheduler(golden.config).plan(golden.steps, golden.plan);
    const trajectory = trajectoryOf(scheduler);
    expect(trajectory).toHaveLength(golden.trajectory.length);
    const measured = {
      timesteps: worstOfEach(scheduler.timesteps, golden.timesteps),
      sigmas: golden.sigmas.length === 0 ? 0 : worstOfEach(scheduler.sigmas, golden.sigmas),
      first: Math.abs(scheduler.initNoiseSigma / golden.initNoiseSigma - 1),
      trajectory: Math.max(...golden.trajectory.map((row, i) => relative(trajectory[i], row))),
    };
    if (process.env['SCHEDULER_TABLE']) console.log(`TABLE ${file} ${JSON.stringify(measured)}`);
    expect(measured.timesteps).toBeLessThan(1e-5);
    expect(measured.sigmas).toBeLessThan(1e-5);
    expect(measured.first).toBeLessThan(1e-6);
    expect(measured.trajectory).toBeLessThan(1e-4);
  });
});
