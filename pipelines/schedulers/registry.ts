import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { cosineDpmSolverMultistep } from './cosine-dpm-solver-multistep.js';
import { ddim } from './ddim.js';
import { ddpm } from './ddpm.js';
import { deis } from './deis.js';
import { dpmSolverMultistep } from './dpm-solver-multistep.js';
import { dpmSolverSinglestep } from './dpm-solver-singlestep.js';
import { edmDpmSolverMultistep } from './edm-dpm-solver-multistep.js';
import { edmEuler } from './edm-euler.js';
import { eulerAncestral } from './euler-ancestral.js';
import { euler } from './euler.js';
import { flowMatchEuler } from './flow-match-euler.js';
import { flowMatchHeun } from './flow-match-heun.js';
import { heun } from './heun.js';
import { lcm } from './lcm.js';
import { lms } from './lms.js';
import { pndm } from './pndm.js';
import type { SchedulerFactory } from './scheduler.js';
import { tcd } from './tcd.js';
import { unipc } from './unipc.js';

const SCHEDULERS: Readonly<Record<string, (config: unknown) => SchedulerFactory>> = Object.freeze({
  CosineDPMSolverMultistepScheduler: cosineDpmSolverMultistep,
  DDIMScheduler: ddim,
  DDPMScheduler: ddpm,
  DEISMultistepScheduler: deis,
  DPMSolverMultistepScheduler: dpmSolverMultistep,
  DPMSolverSinglestepScheduler: dpmSolverSinglestep,
  EDMDPMSolverMultistepScheduler: edmDpmSolverMultistep,
  EDMEulerScheduler: edmEuler,
  EulerAncestralDiscreteScheduler: eulerAncestral,
  EulerDiscreteScheduler: euler,
  FlowMatchEulerDiscreteScheduler: flowMatchEuler,
  FlowMatchHeunDiscreteScheduler: flowMatchHeun,
  HeunDiscreteScheduler: heun,
  LCMScheduler: lcm,
  LMSDiscreteScheduler: lms,
  PNDMScheduler: pndm,
  TCDScheduler: tcd,
  UniPCMultistepScheduler: unipc,
});

/** Class names that scheduler_config.json may name. */
export const SCHEDULER_CLASSES: readonly string[] = Object.keys(SCHEDULERS);

/**
 * The scheduler of a scheduler_config.json; `className` overrides the one that it names.
 * @throws SCHEDULER_UNKNOWN with the list of known ones
 */
export function createScheduler(config: unknown, className?: string): SchedulerFactory {
  const name =
    className ??
    z.object({ _class_name: z.string() }).loose().safeParse(config).data?._class_name ??
    '(none)';
  const make = SCHEDULERS[name];
  if (make === undefined) {
    throw new NodeError(
      'SCHEDULER_UNKNOWN',
      `the scheduler ${name} is not known; known are ${SCHEDULER_CLASSES.join(', ')}`,
    );
  }
  try {
    return make(config);
  } catch (error) {
    if (error instanceof z.ZodError) {
      const issue = error.issues[0];
      throw new NodeError('SCHEDULER_UNKNOWN', `${name}: ${issue.path.join('.')}: ${issue.message}`, {
        cause: error,
      });
    }
    throw error;
  }
}
