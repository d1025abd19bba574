import type { DpmAlgorithm } from './exponential-integrator.js';
import type { Limit } from './limit-clean.js';
import { cleanWeights, noiseWeights, type PredictionType } from './prediction.js';
import type { SignalLevel } from './signal-level.js';
import { weightedSum } from './weighted-sum.js';

/** What an algorithm of the DPM family extrapolates: the clean data (`++`) or the noise in the sample. */
export function dpmPrediction(
  algorithm: DpmAlgorithm,
  type: PredictionType,
  level: SignalLevel,
  output: Float32Array,
  sample: Float32Array,
  limit: Limit | undefined,
): Float32Array {
  const ofData = algorithm.endsWith('++');
  const { alpha, sigma } = level;
  if (!ofData && limit === undefined) {
    const weights = noiseWeights(type, alpha, sigma);
    return weightedSum([weights.sample, sample], [weights.output, output]);
  }
  const weights = cleanWeights(type, alpha, sigma);
  const clean = weightedSum([weights.sample, sample], [weights.output, output]);
  limit?.(clean);
  return ofData ? clean : weightedSum([1 / sigma, sample], [-alpha / sigma, clean]);
}
