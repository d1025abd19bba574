import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { limitOf, thresholdConfig } from './limit-clean.js';
import { solveLinear } from './linear-system.js';
import { alphasCumprodOf, trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import { cleanWeights, flowPredictionConfig, noiseWeights } from './prediction.js';
import type { PlanOptions, Scheduler, SchedulerFactory } from './scheduler.js';
import { karrasSigmas, oneCurve } from './sigma-curves.js';
import { signalLevel, type SignalLevel } from './signal-level.js';
import { flowOnFlow, solverLevelConfig, visitedLevels } from './solver-levels.js';
import { stretchedTo } from './stretch.js';
import { linspace, solverTimesteps, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z
  .object({
    ...trainingConfig.shape,
    ...zeroSnrConfig.shape,
    ...thresholdConfig.shape,
    ...flowPredictionConfig.shape,
    ...solverLevelConfig.shape,
    ...spacingConfig('linspace').shape,
    solver_order: option(z.number().int().min(1), 2),
    predict_x0: option(z.boolean(), true),
    // A config written for another solver runs with the default, as in the reference.
    solver_type: option(
      z
        .enum(['bh1', 'bh2', 'midpoint', 'heun', 'logrho'])
        .transform((type) => (type === 'bh1' ? 'bh1' : 'bh2')),
      'bh2',
    ),
    lower_order_final: option(z.boolean(), true),
    disable_corrector: option(z.array(z.number().int()), []),
    solver_p: z.null().optional(),
    final_sigmas_type: option(z.enum(['zero', 'sigma_min']), 'zero'),
    time_shift_type: option(z.enum(['exponential', 'linear']), 'exponential'),
    shift_terminal: z.number().nullish(),
  })
  .superRefine(oneCurve)
  .superRefine(flowOnFlow)
  .refine((options) => options.predict_x0 || options.final_sigmas_type === 'sigma_min', {
    path: ['final_sigmas_type'],
    message: 'must be sigma_min where predict_x0 is false',
  })
  .refine((options) => options.predict_x0 || options.prediction_type !== 'flow_prediction', {
    path: ['predict_x0'],
    message: 'must be true for flow_prediction',
  })
  .refine(
    // Only the first order has a finite step to no noise at all.
    ({ lower_order_final: lower, solver_order: order, final_sigmas_type: final }) =>
      lower || order === 1 || final === 'sigma_min',
    { path: ['lower_order_final'], message: 'must be true where final_sigmas_type is zero' },
  )
  .refine((options) => !options.shift_terminal || options.use_flow_sigmas, {
    path: ['shift_terminal'],
    message: 'needs use_flow_sigmas',
  });
type Options = z.output<typeof schema>;

/** Levels of a rectified flow, shifted; the first is kept a little below 1, where its signal would be nothing. */
function flowLevels(options: Options, steps: number, { mu, sigmas }: PlanOptions): number[] {
  const even = sigmas ?? linspace(1, 1 / options.num_train_timesteps, steps + 1).slice(0, -1);
  let levels: number[];
  if (options.use_dynamic_shifting) {
    if (mu === undefined)
      throw new NodeError('SCHEDULER_UNKNOWN', 'UniPCMultistepScheduler: use_dynamic_shifting needs mu');
    const pull = options.time_shift_type === 'exponential' ? Math.exp(mu) : mu;
    levels = even.map((sigma) => pull / (pull + (1 / sigma - 1)));
  } else {
    const shift = options.flow_shift;
    levels = even.map((sigma) => (shift * sigma) / (1 + (shift - 1) * sigma));
  }
  if (options.shift_terminal) levels = stretchedTo(options.shift_terminal, levels);
  if (Math.abs(levels[0] - 1) < 1e-6) levels[0] -= 1e-6;
  return levels;
}

/**
 * Unified predictor-corrector. Zhao et al. 2023, "UniPC", algorithms 5 to 8 (multistep UniP and UniC) with B(h) of
 * section 3.1: h (bh1) or e^h - 1 (bh2).
 */
export function unipc(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const { predict_x0: ofData, solver_order: fullOrder, use_flow_sigmas: flow } = options;
  const trained = new TrainingLevels(alphasCumprodOf(options), options.rescale_betas_zero_snr);
  const limit = limitOf(options);

  const levelsOf = (steps: number, plan: PlanOptions): { timesteps: number[]; sigmas: number[] } => {
    const total = options.num_train_timesteps;
    let { timesteps, levels } = visitedLevels(options, trained, solverTimesteps(options, steps), steps, true);
    const { use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas } = options;
    const curved = use_karras_sigmas || use_exponential_sigmas || use_beta_sigmas;
    if (flow && (use_karras_sigmas || !curved)) {
      const low = options.sigma_min ?? trained.lowest;
      const high = options.sigma_max ?? trained.highest;
      levels = use_karras_sigmas
        ? karrasSigmas(low, high, steps).map((sigma) => sigma / (sigma + 1))
        : flowLevels(options, steps, plan);
      timesteps = levels.map((sigma) => Math.trunc(sigma * total));
    }
    const lowest = curved || flow ? levels[levels.length - 1] : trained.lowest;
    const final = options.final_sigmas_type === 'zero' ? 0 : lowest;
    return { timesteps, sigmas: [...levels, final].map(Math.fround) };
  };

  return {
    className: 'UniPCMultistepScheduler',
    plan(steps, plan = {}): Scheduler {
      const { timesteps, sigmas } = levelsOf(steps, plan);
      const points = sigmas.map((sigma) => signalLevel(sigma, flow));
      const count = timesteps.length;
      let history: Float32Array[] = [];
      let lastSample: Float32Array | undefined;
      let lastOrder = 1;

      const converted = (output: Float32Array, index: number, sample: Float32Array): Float32Array => {
        const { alpha, sigma } = points[index];
        const weightsOf = ofData ? cleanWeights : noiseWeights;
        const weights = weightsOf(options.prediction_type, alpha, sigma);
        const prediction = weightedSum([weights.sample, sample], [weights.output, output]);
        if (ofData) limit?.(prediction);
        return prediction;
      };

      /** A step of `order` from level `index` to the next; `arrived` is the prediction there, for the corrector. */
      const advance = (
        index: number,
        order: number,
        sample: Float32Array,
        arrived?: Float32Array,
      ): Float32Array => {
        const [from, to] = [points[index], points[index + 1]];
        const earlier = points.slice(index - order + 1, index).reverse();
        const { own, others, latest } = uniWeights(options, from, to, earlier, arrived !== undefined);
        const gain = ofData ? to.alpha : to.sigma;
        const terms: Term[] = [
          [ofData ? to.sigma / from.sigma : to.alpha / from.alpha, sample],
          [-gain * own, history[0]],
          ...others.map((weight, k): Term => [-gain * weight, history[k + 1]]),
        ];
        if (arrived !== undefined) terms.push([-gain * latest, arrived]);
        return weightedSum(...terms);
      };

      return {
        timesteps,
        sigmas,
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample) {
          const prediction = converted(output, index, sample);
          const corrected =
            lastSample !== undefined && !options.disable_corrector.includes(index - 1)
              ? advance(index - 1, lastOrder, lastSample, prediction)
              : sample;
          history = [prediction, ...history.slice(0, fullOrder - 1)];
          const most = options.lower_order_final ? Math.min(fullOrder, count - index) : fullOrder;
          lastOrder = Math.min(most, history.length);
          lastSample = corrected;
          return advance(index, lastOrder, corrected);
        },
      };
    },
  };
}

/**
 * Factors of the prediction at the start, of those before it and of the one at the end, up to the common -α or -σ.
 * Zhao et al. 2023, theorem 3.1: they solve R ρ = b so that the step is exact for polynomials.
 */
function uniWeights(
  { predict_x0: ofData, solver_type: type }: Options,
  from: SignalLevel,
  to: SignalLevel,
  earlier: readonly SignalLevel[],
  correcting: boolean,
): { own: number; others: number[]; latest: number } {
  const h = Math.fround(to.lambda - from.lambda);
  const order = earlier.length + 1;
  const ratios = [...earlier.map((point) => (point.lambda - from.lambda) / h), 1];
  const hh = ofData ? -h : h;
  const phi1 = Math.expm1(hh);
  const scale = type === 'bh1' ? hh : phi1;
  const b: number[] = [];
  let phi = phi1 / hh - 1;
  for (let i = 1, factorial = 1; i <= order; i++) {
    b.push((phi * factorial) / scale);
    factorial *= i + 1;
    phi = phi / hh - 1 / factorial;
  }
  const unknowns = correcting ? order : order - 1;
  // The lowest orders have a closed form, which is not quite the solution of the system.
  const halved = unknowns === 1 && (correcting || order === 2);
  const rows = Array.from({ length: unknowns }, (_, i) => ratios.slice(0, unknowns).map((r) => r ** i));
  const rhos = halved ? [0.5] : solveLinear(rows, b.slice(0, unknowns));
  const others = earlier.map((_, k) => (scale * rhos[k]) / ratios[k]);
  const latest = correcting ? scale * rhos[order - 1] : 0;
  const own = phi1 - others.reduce((sum, weight) => sum + weight, 0) - latest;
  return { own, others, latest };
}
