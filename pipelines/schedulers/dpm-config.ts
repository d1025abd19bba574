import { z } from 'zod';
import { thresholdConfig } from './limit-clean.js';
import { solverRule } from './multistep-weights.js';
import { trainingConfig } from './noise-schedule.js';
import { option } from './option.js';
import { flowPredictionConfig } from './prediction.js';
import { oneCurve, type CurveConfig } from './sigma-curves.js';
import { flowOnFlow, solverLevelConfig } from './solver-levels.js';

/** Options that the multistep and the single-step solvers of the DPM family share. */
export const dpmConfig = z.object({
  ...trainingConfig.shape,
  ...thresholdConfig.shape,
  ...flowPredictionConfig.shape,
  ...solverLevelConfig.shape,
  solver_order: option(z.number().int().min(1).max(3), 2),
  algorithm_type: option(
    z
      .enum(['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++', 'deis'])
      .transform((type) => (type === 'deis' ? 'dpmsolver++' : type)),
    'dpmsolver++',
  ),
  solver_type: solverRule,
  final_sigmas_type: option(z.enum(['zero', 'sigma_min']), 'zero'),
  // Configs hold minus infinity for "not clipped".
  lambda_min_clipped: option(
    z.custom<number>((value) => typeof value === 'number'),
    -Infinity,
  ),
  // Of another class's config these solvers read only whether the model also predicts its variance.
  variance_type: z
    .string()
    .refine((type) => !type.startsWith('learned'), 'learned variances are not run')
    .nullish(),
});

/** Fails configs for which the equations have no answer. */
export function solvable(options: CurveConfig & z.output<typeof dpmConfig>, context: z.RefinementCtx): void {
  oneCurve(options, context);
  flowOnFlow(options, context);
  const ofNoise = !options.algorithm_type.endsWith('++');
  if (ofNoise && options.final_sigmas_type === 'zero')
    context.addIssue({
      code: 'custom',
      path: ['final_sigmas_type'],
      message: `must be sigma_min for ${options.algorithm_type}`,
    });
  if (ofNoise && options.prediction_type === 'flow_prediction')
    context.addIssue({
      code: 'custom',
      path: ['prediction_type'],
      message: `cannot be flow_prediction for ${options.algorithm_type}`,
    });
  if (options.algorithm_type === 'sde-dpmsolver' && options.solver_order === 3)
    context.addIssue({
      code: 'custom',
      path: ['solver_order'],
      message: 'must be at most 2 for sde-dpmsolver',
    });
}

/** Training timesteps whose λ lies below the clip, to be left out. */
export function clippedCount(alphasCumprod: Float32Array, lambdaMin: number): number {
  let count = 0;
  for (const bar of alphasCumprod) {
    const lambda = Math.log(Math.sqrt(bar)) - Math.log(Math.sqrt(1 - bar));
    if (lambda < lambdaMin) count++;
  }
  return count;
}
