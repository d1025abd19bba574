import { NodeError } from '../../core/errors.js';

/** Refuses more steps than the sampler has timesteps to visit. @throws REQUEST_INVALID */
export function atMostTrained(steps: number, most: number): void {
  if (steps > most)
    throw new NodeError('REQUEST_INVALID', `steps: this scheduler takes at most ${most}, not ${steps}`);
}
