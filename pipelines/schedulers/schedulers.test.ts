import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeError } from '../../core/errors.js';
import { torchCpuNoise } from '../noise/torch-cpu.js';
import { symmetricBetaQuantile } from './beta-quantile.js';
import { limitOf } from './limit-clean.js';
import { alphasCumprodOf, trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { createScheduler, SCHEDULER_CLASSES } from './registry.js';
import { TrainingLevels } from './training-levels.js';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof NodeError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('createScheduler', () => {
  it('refuses an unknown class by name and lists the known ones', () => {
    const message = codeOf(() => createScheduler({ _class_name: 'VQDiffusionScheduler' }));
    expect(message).toMatch(/^SCHEDULER_UNKNOWN .*VQDiffusionScheduler/);
    for (const name of SCHEDULER_CLASSES) expect(message).toContain(name);
  });

  it.each([
    [{ _class_name: 'DDIMScheduler', prediction_type: 'score' }, 'prediction_type'],
    [{ _class_name: 'EulerDiscreteScheduler', beta_schedule: 'sigmoid' }, 'beta_schedule'],
    [
      { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true, use_beta_sigmas: true },
      'use_beta_sigmas',
    ],
    [{ _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver' }, 'final_sigmas_type'],
    [{ _class_name: 'DPMSolverMultistepScheduler', variance_type: 'learned_range' }, 'variance_type'],
    [{ _class_name: 'DDPMScheduler', variance_type: 'learned' }, 'variance_type'],
    [{ _class_name: 'DEISMultistepScheduler', prediction_type: 'flow_prediction' }, 'prediction_type'],
    [{ _class_name: 'UniPCMultistepScheduler', lower_order_final: false }, 'lower_order_final'],
    [{ _class_name: 'UniPCMultistepScheduler', shift_terminal: 0.1 }, 'shift_terminal'],
  ])('refuses %j, naming the option', (config, option) => {
    expect(codeOf(() => createScheduler(config))).toMatch(new RegExp(`^SCHEDULER_UNKNOWN .*${option}`));
  });

  it('takes nulls for defaults and ignores what is not an option', () => {
    const written = { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: null, trained_betas: null };
    const extra = { ...written, _diffusers_version: '0.21.4', skip_prk_steps: true, clip_sample: false };
    const plain = createScheduler({ _class_name: 'EulerDiscreteScheduler' });
    expect(createScheduler(extra).plan(5).sigmas).toEqual(plain.plan(5).sigmas);
  });

  it('runs another class on the same config', () => {
    const config = {
      _class_name: 'PNDMScheduler',
      beta_start: 0.00085,
      beta_end: 0.012,
      skip_prk_steps: true,
    };
    const factory = createScheduler(config, 'DPMSolverMultistepScheduler');
    expect(factory.className).toBe('DPMSolverMultistepScheduler');
    expect(factory.plan(20).timesteps).toHaveLength(20);
  });

  it('refuses more steps than there are timesteps', () => {
    expect(codeOf(() => createScheduler({ _class_name: 'LCMScheduler' }).plan(51))).toMatch(
      /^REQUEST_INVALID/,
    );
    expect(codeOf(() => createScheduler({ _class_name: 'PNDMScheduler' }).plan(3))).toMatch(
      /^REQUEST_INVALID/,
    );
  });

  it('refuses steps whose offset leads beyond the timesteps', () => {
    const factory = createScheduler({ _class_name: 'DDIMScheduler', steps_offset: 1 });
    expect(factory.plan(999).timesteps[0]).toBe(999);
    expect(codeOf(() => factory.plan(1000))).toMatch(/^REQUEST_INVALID .*steps_offset/);
  });

  it('refuses a single step that would start at 1 and end elsewhere', () => {
    const factory = createScheduler({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift_terminal: 0.1 });
    expect(factory.plan(2).sigmas[1]).toBeCloseTo(0.1, 6);
    expect(codeOf(() => factory.plan(1))).toMatch(/^REQUEST_INVALID .*shift_terminal/);
  });

  it('shifts a flow for the size only where the config says that its shift is dynamic', () => {
    const flow = { use_flow_sigmas: true, flow_shift: 3, prediction_type: 'flow_prediction' };
    const levels = (config: object, mu?: number) =>
      createScheduler({ ...flow, ...config }, 'DPMSolverMultistepScheduler').plan(5, { mu }).sigmas;
    expect(levels({}, 0.5)).toEqual(levels({}));
    expect(levels({ use_dynamic_shifting: true }, 0.5)).not.toEqual(levels({}));
  });
});

describe.each(SCHEDULER_CLASSES)('%s', (name) => {
  const most = name === 'LCMScheduler' || name === 'TCDScheduler' ? 50 : 200;
  const least = name === 'PNDMScheduler' ? 4 : 1;

  it('falls in timesteps, and in noise to its end', () => {
    fc.assert(
      fc.property(fc.integer({ min: least, max: most }), (steps) => {
        const { timesteps, sigmas } = createScheduler({ _class_name: name }).plan(steps);
        const falling = name === 'PNDMScheduler' ? timesteps.slice(12) : timesteps;
        falling.slice(1).forEach((t, i) => expect(t).toBeLessThanOrEqual(falling[i]));
        sigmas.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThanOrEqual(sigmas[i]));
        if (sigmas.length > 0 && name !== 'DEISMultistepScheduler') expect(sigmas.at(-1)).toBe(0);
      }),
      { numRuns: 15 },
    );
  });

  it('draws the same again for the same seed, and leaves its arguments alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: least, max: 12 }),
        fc.integer({ min: 0, max: 2 ** 32 }),
        fc.constantFrom(4, 16, 37),
        (steps, seed, length) => {
          const factory = createScheduler({ _class_name: name });
          const run = () => {
            const scheduler = factory.plan(steps, { eta: 0.5 });
            const noise = torchCpuNoise(seed);
            let sample = noise.randn(length);
            scheduler.timesteps.forEach((_, i) => {
              const output = scheduler.scaleModelInput(sample, i).map((value) => 0.3 * value + 0.1);
              const [keptSample, keptOutput] = [sample.slice(), output.slice()];
              const next = scheduler.step(output, i, sample, noise);
              expect(sample).toEqual(keptSample);
              expect(output).toEqual(keptOutput);
              sample = next;
            });
            return sample;
          };
          const once = run();
          expect(once.every(Number.isFinite)).toBe(true);
          expect(run()).toEqual(once);
        },
      ),
      { numRuns: 8 },
    );
  });
});

it('takes a DDIM step of nothing but fresh noise from pure noise', () => {
  const config = {
    _class_name: 'DDIMScheduler',
    prediction_type: 'v_prediction',
    timestep_spacing: 'trailing',
  };
  for (let steps = 1; steps <= 60; steps++) {
    const scheduler = createScheduler({ ...config, rescale_betas_zero_snr: true }).plan(steps, { eta: 1 });
    const values = Float32Array.of(0.5, -0.5);
    expect(scheduler.step(values, 0, values, torchCpuNoise(1)).every(Number.isFinite)).toBe(true);
  }
});

describe('the noise schedule', () => {
  const parse = (config: object) =>
    alphasCumprodOf({ ...trainingConfig.parse(config), ...zeroSnrConfig.parse(config) });

  it.each(['linear', 'scaled_linear', 'squaredcos_cap_v2'])('%s loses signal at every step', (schedule) => {
    const bars = parse({ beta_schedule: schedule });
    expect(bars[0]).toBeLessThan(1);
    for (let i = 1; i < bars.length; i++) expect(bars[i]).toBeLessThan(bars[i - 1]);
  });

  it('ends in pure noise with zero terminal SNR', () => {
    const bars = parse({ beta_schedule: 'scaled_linear', rescale_betas_zero_snr: true });
    expect(bars.at(-1)).toBe(0);
    expect(bars.at(-2)).toBeGreaterThan(0);
  });
});

it('looks a noise level up from the end where levels do not rise to it', () => {
  const levels = new TrainingLevels(Float32Array.of(0.9, 0.5, 0.01, 0.2));
  expect(levels.timestepOf(levels.highest * 1.001)).toBeCloseTo(3, 2);
  expect(levels.timestepOf(levels.lowest)).toBeCloseTo(0, 6);
});

it('finds quantiles of the Beta(0.6, 0.6) distribution', () => {
  // scipy.stats.beta.ppf(p, 0.6, 0.6)
  expect(symmetricBetaQuantile(0.01, 0.6)).toBeCloseTo(0.0008612388215429059, 12);
  expect(symmetricBetaQuantile(0.3, 0.6)).toBeCloseTo(0.23401700387523572, 12);
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), (p) => {
      expect(symmetricBetaQuantile(p, 0.6) + symmetricBetaQuantile(1 - p, 0.6)).toBeCloseTo(1, 9);
      // Beta(1, 1) is uniform.
      expect(symmetricBetaQuantile(p, 1)).toBeCloseTo(p, 9);
    }),
  );
});

it('clips at the quantile of magnitudes and brings the clipped range to one', () => {
  const limit = limitOf({ thresholding: true, dynamic_thresholding_ratio: 0.5, sample_max_value: 10 });
  const values = Float32Array.of(-8, 1, 2, 4, 6);
  limit?.(values);
  expect(Array.from(values)).toEqual([-1, 0.25, 0.5, 1, 1]);
});
