import { z } from 'zod';
import { option } from './option.js';
import type { PredictionType } from './prediction.js';
import { askedCurve, curveConfig, type CurveConfig } from './sigma-curves.js';
import { linspace, roundHalfEven } from './timestep-spacing.js';
import type { TrainingLevels } from './training-levels.js';

/** Options of the exponential integrators about which noise levels they visit. */
export const solverLevelConfig = z.object({
  ...curveConfig.shape,
  use_flow_sigmas: option(z.boolean(), false),
  flow_shift: option(z.number().positive(), 1),
  use_dynamic_shifting: option(z.boolean(), false),
});

/** Fails a config whose model predicts a flow while the run is none. */
export function flowOnFlow(
  options: { readonly prediction_type: PredictionType; readonly use_flow_sigmas: boolean },
  context: z.RefinementCtx,
): void {
  if (options.prediction_type === 'flow_prediction' && !options.use_flow_sigmas)
    context.addIssue({
      code: 'custom',
      path: ['prediction_type'],
      message: 'flow_prediction needs use_flow_sigmas',
    });
}

interface LevelOptions extends CurveConfig {
  readonly use_flow_sigmas: boolean;
  readonly flow_shift: number;
  readonly use_dynamic_shifting: boolean;
  readonly num_train_timesteps: number;
  readonly use_lu_lambdas?: boolean;
}

/** Noise levels in the order of visiting, without the final one, and the whole timesteps the model is told. */
interface VisitedLevels {
  readonly timesteps: number[];
  readonly levels: number[];
}

/**
 * The levels of a solver's run: those of a curve if the config asks for one, those of a shifted flow, or the trained
 * ones at `spaced`. `mu` is the logarithm of the flow's shift where that is dynamic. Times between training timesteps
 * are cut off, but on Karras' and Lu's curves rounded first where `rounded` says so.
 */
export function visitedLevels(
  options: LevelOptions,
  trained: TrainingLevels,
  spaced: readonly number[],
  steps: number,
  rounded: boolean,
  mu?: number,
): VisitedLevels {
  const total = options.num_train_timesteps;
  const told = (levels: number[], round: boolean): VisitedLevels => {
    const times = levels.map((level) => trained.timestepOf(level));
    return { timesteps: times.map((t) => Math.trunc(round ? roundHalfEven(t) : t)), levels };
  };
  if (options.use_lu_lambdas && !options.use_karras_sigmas) {
    // Even in log σ. Lu et al. 2022, "DPM-Solver", section 3.4.
    const [from, to] = [trained.highest, trained.lowest].map((sigma) => Math.fround(Math.log(sigma)));
    return told(linspace(from, to, steps).map(Math.exp), rounded);
  }
  const curve = askedCurve(options, trained.lowest, trained.highest, steps);
  if (curve !== undefined) return told(curve, options.use_karras_sigmas && rounded);
  if (options.use_flow_sigmas) {
    const shift = options.use_dynamic_shifting && mu !== undefined ? Math.exp(mu) : options.flow_shift;
    const levels = linspace(1, 1 / total, steps + 1)
      .map((alpha) => (shift * (1 - alpha)) / (1 + (shift - 1) * (1 - alpha)))
      .reverse()
      .slice(0, -1);
    return { timesteps: levels.map((level) => Math.trunc(level * total)), levels };
  }
  return { timesteps: [...spaced], levels: spaced.map((t) => trained.at(t)) };
}
