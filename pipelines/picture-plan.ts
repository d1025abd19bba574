import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { NoiseSource } from './noise/noise-source.js';
import { torchNoise } from './noise/torch-noise.js';
import type { PictureRequest } from './pipeline.js';
import { createScheduler } from './schedulers/registry.js';
import type { PlanOptions, Scheduler, SchedulerFactory } from './schedulers/scheduler.js';

const CONFIG = 'scheduler/scheduler_config.json';
const MAX_STEPS = 1000;

/** What a family does where neither request nor manifest says. */
export interface FamilyDefaults {
  readonly steps: number;
  readonly guidanceScale: number;
}

/** The choices of one request. */
export interface Choices {
  readonly steps: number;
  readonly guidanceScale: number;
}

/** The pack's scheduler and defaults: what a request leaves open is filled in here. */
export class PicturePlan {
  readonly #made = new Map<string, SchedulerFactory>();

  private constructor(
    private readonly pack: ModelPack,
    /** scheduler_config.json as it is. */
    readonly schedulerConfig: Readonly<Record<string, unknown>>,
    private readonly defaults: FamilyDefaults,
  ) {}

  /** Reads the scheduler once, so that a pack with an unknown one is refused when it is opened. @throws SCHEDULER_UNKNOWN */
  static async load(pack: ModelPack, defaults: FamilyDefaults): Promise<PicturePlan> {
    const plan = new PicturePlan(pack, await pack.json(CONFIG, z.record(z.string(), z.unknown())), defaults);
    plan.#factory(undefined);
    return plan;
  }

  /** @throws REQUEST_INVALID, SIZE_UNSUPPORTED */
  choose(request: PictureRequest, multiple: number): Choices {
    const { width, height } = request;
    if (width < multiple || height < multiple || width % multiple !== 0 || height % multiple !== 0) {
      throw new NodeError(
        'SIZE_UNSUPPORTED',
        `pack ${this.pack.id} makes pictures whose sides are multiples of ${multiple}, not ${width}x${height}`,
      );
    }
    const own = this.pack.manifest?.defaults;
    const steps = request.steps ?? own?.steps ?? this.defaults.steps;
    const guidanceScale = request.guidanceScale ?? own?.guidanceScale ?? this.defaults.guidanceScale;
    if (!Number.isInteger(steps) || steps < 1 || steps > MAX_STEPS) {
      throw new NodeError('REQUEST_INVALID', `steps: must be a whole number from 1 to ${MAX_STEPS}`);
    }
    if (!Number.isFinite(guidanceScale))
      throw new NodeError('REQUEST_INVALID', 'guidanceScale: must be a number');
    return { steps, guidanceScale };
  }

  /** A run of the request's scheduler. @throws SCHEDULER_UNKNOWN */
  schedule(request: PictureRequest, steps: number, options?: PlanOptions): Scheduler {
    return this.#factory(request.scheduler).plan(steps, options);
  }

  /** The request's noise: of its generator, else of the pack's, else of torch on the CPU. */
  noise(request: PictureRequest): NoiseSource {
    return torchNoise(request.seed, request.generator ?? this.pack.manifest?.defaults.generator);
  }

  #factory(className: string | undefined): SchedulerFactory {
    const name = className ?? this.pack.manifest?.defaults.scheduler;
    const key = name ?? '';
    const made = this.#made.get(key) ?? createScheduler(this.schedulerConfig, name);
    this.#made.set(key, made);
    return made;
  }
}

const shiftConfig = z.object({
  base_image_seq_len: z.number().default(256),
  max_image_seq_len: z.number().default(4096),
  base_shift: z.number().default(0.5),
  max_shift: z.number(),
});

/**
 * How far noise levels are shifted for a picture of so many tokens: on the line through the two sizes that the
 * scheduler's config names. Esser et al. 2024, section 5.3.2.
 */
export function sizeShift(config: unknown, tokens: number, maxShift: number): number {
  const {
    base_image_seq_len: from,
    max_image_seq_len: to,
    base_shift: low,
    max_shift: high,
  } = shiftConfig.parse({ max_shift: maxShift, ...(config as object) });
  const slope = (high - low) / (to - from);
  return tokens * slope + low - slope * from;
}

/** Noise levels from 1 to 1/steps in even steps. */
export function evenSigmas(steps: number): number[] {
  const last = 1 / steps;
  return Array.from({ length: steps }, (_, i) => (steps === 1 ? 1 : 1 + (i * (last - 1)) / (steps - 1)));
}
