import { NodeError } from '../../core/errors.js';

/**
 * Levels of a flow, stretched away from 1 so that the last is `terminal`. HaCohen et al. 2024, "LTX-Video".
 * @throws REQUEST_INVALID for a single level, which starts the run and cannot be its end
 */
export function stretchedTo(terminal: number, levels: readonly number[]): number[] {
  if (levels.length === 1)
    throw new NodeError('REQUEST_INVALID', 'steps: a schedule with shift_terminal takes at least 2, not 1');
  const stretch = (1 - levels[levels.length - 1]) / (1 - terminal);
  return levels.map((sigma) => 1 - (1 - sigma) / stretch);
}
