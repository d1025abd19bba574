import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { option } from './option.js';
import { atMostTrained } from './step-count.js';

type Spacing = 'leading' | 'linspace' | 'trailing';

/** How training timesteps are chosen; samplers differ in what they do where nothing is said. */
export function spacingConfig(fallback: Spacing) {
  return z.object({
    timestep_spacing: option(z.enum(['leading', 'linspace', 'trailing']), fallback),
    steps_offset: option(z.number().int(), 0),
  });
}

/** What the spacing needs to know of a config. */
interface SpacingOptions {
  readonly num_train_timesteps: number;
  readonly timestep_spacing: Spacing;
  readonly steps_offset: number;
}

/** Python's and numpy's rounding: half goes to the even neighbour. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** `count` evenly spaced values, both ends exact; the start alone for one. */
export function linspace(start: number, end: number, count: number): number[] {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? end : start + i * step));
}

/**
 * `from`, `from - ratio`, … above 0, in the rounding of a range that is filled from its first difference. That can
 * leave one value more next to 0, as for 61 steps from 1000.
 */
function fallingRange(from: number, ratio: number): number[] {
  const delta = from - ratio - from;
  return Array.from({ length: Math.ceil(from / ratio) }, (_, i) => from + i * delta);
}

/** Whole training timesteps to visit, falling, noisiest first. Lin et al. 2024, table 2. */
function spacedTimesteps(options: SpacingOptions, steps: number): number[] {
  const total = options.num_train_timesteps;
  switch (options.timestep_spacing) {
    case 'linspace':
      return linspace(0, total - 1, steps)
        .map(roundHalfEven)
        .reverse();
    case 'leading': {
      const ratio = Math.floor(total / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + options.steps_offset);
    }
    case 'trailing':
      return fallingRange(total, total / steps).map((t) => roundHalfEven(t) - 1);
  }
}

/** The same for samplers that know the trained timesteps only. @throws REQUEST_INVALID */
export function trainedTimesteps(options: SpacingOptions, steps: number): number[] {
  const { num_train_timesteps: total, steps_offset: offset } = options;
  atMostTrained(steps, total);
  // The reference takes the -1 that rounding can leave for the noisiest timestep.
  const timesteps = spacedTimesteps(options, steps).filter((t) => t >= 0);
  if (timesteps[0] >= total)
    throw new NodeError(
      'REQUEST_INVALID',
      `steps: ${steps} with steps_offset ${offset} lead beyond the ${total} timesteps of this scheduler`,
    );
  return timesteps;
}

/** The same for samplers that interpolate between training timesteps: evenly spaced ones need not be whole. */
export function continuousTimesteps(options: SpacingOptions, steps: number): number[] {
  if (options.timestep_spacing !== 'linspace') return spacedTimesteps(options, steps);
  return linspace(0, options.num_train_timesteps - 1, steps)
    .map(Math.fround)
    .reverse();
}

/**
 * The same for the exponential integrators: one more point is spaced and the cleanest is left to the final sigma.
 * `last` is one more than the noisiest timestep allowed.
 */
export function solverTimesteps(
  options: SpacingOptions,
  steps: number,
  last = options.num_train_timesteps,
): number[] {
  switch (options.timestep_spacing) {
    case 'linspace':
      return linspace(0, last - 1, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case 'leading': {
      const ratio = Math.floor(last / (steps + 1));
      return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + options.steps_offset);
    }
    case 'trailing':
      return fallingRange(last, options.num_train_timesteps / steps).map((t) => roundHalfEven(t) - 1);
  }
}
