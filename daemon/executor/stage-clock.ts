import { setImmediate } from 'node:timers/promises';
import type { JobMetrics, Stage, StageTiming } from '../../core/messages.js';
import type { RunMeter } from '../../models/run-meter.js';
import { Cancelled } from '../../pipelines/cancelled.js';
import type { PipelineObserver } from '../../pipelines/pipeline.js';
import { REPORT_EVERY_MS } from './protocol.js';

type Weights = Readonly<Partial<Record<Stage, number>>>;
type Report = (progress: { stage: Stage; step: number; steps: number; fraction: number }) => void;

/** One stage of a job, over all the times it was entered. */
interface StageTotal {
  /** Weight of the stages that were entered before this one was for the first time. */
  readonly weightBefore: number;
  ms: number;
  graphMs: number;
}

/**
 * Follows a job through its stages: how long each took, how much of that was inside graph runs, how far the
 * whole is. A stage may come again, as when a picture needs a stronger mark: its times add up, and the fraction
 * waits until the job is further than it was. Every step is also the place where a cancel is noticed.
 */
export class StageClock implements PipelineObserver {
  readonly #totals = new Map<Stage, StageTotal>();
  readonly #startedMs = performance.now();
  readonly #graphStartMs: number;
  readonly #weightSum: number;
  #stage: Stage | undefined;
  #stageStartMs = 0;
  #stageGraphStartMs = 0;
  #fraction = 0;
  #peakRss = 0;
  #reportedMs = 0;

  constructor(
    private readonly meters: readonly RunMeter[],
    private readonly weights: Weights,
    private readonly report: Report,
    private readonly isCancelled: () => boolean,
  ) {
    this.#graphStartMs = this.#graphMs();
    this.#weightSum = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  }

  /** @throws Cancelled */
  async progress(stage: Stage, step: number, steps: number): Promise<void> {
    const { weightBefore } = this.#enter(stage);
    this.#peakRss = Math.max(this.#peakRss, process.memoryUsage.rss());
    const now = performance.now();
    if (step === 0 || step === steps || now - this.#reportedMs >= REPORT_EVERY_MS) {
      this.#reportedMs = now;
      const within = this.#weightOf(stage) * (step / steps);
      const fraction = Math.min(1, (weightBefore + within) / this.#weightSum);
      this.#fraction = Math.max(this.#fraction, fraction);
      this.report({ stage, step, steps, fraction: this.#fraction });
    }
    // Graph runs block the event loop; a turn of it lets a cancel in and the report out.
    await setImmediate();
    if (this.isCancelled()) throw new Cancelled();
  }

  finish(pack: string): JobMetrics {
    this.#leave();
    const stages = [...this.#totals].map(([stage, { ms, graphMs }]): StageTiming => ({ stage, ms, graphMs }));
    return {
      stages,
      totalMs: performance.now() - this.#startedMs,
      graphMs: this.#graphMs() - this.#graphStartMs,
      peakRssBytes: Math.max(this.#peakRss, process.memoryUsage.rss()),
      pack,
    };
  }

  #enter(stage: Stage): StageTotal {
    let total = this.#totals.get(stage);
    if (total === undefined) {
      const weightBefore = [...this.#totals.keys()].reduce((sum, before) => sum + this.#weightOf(before), 0);
      total = { weightBefore, ms: 0, graphMs: 0 };
    }
    if (stage !== this.#stage) {
      this.#leave();
      this.#stage = stage;
      this.#totals.set(stage, total);
      this.#stageStartMs = performance.now();
      this.#stageGraphStartMs = this.#graphMs();
    }
    return total;
  }

  #leave(): void {
    const total = this.#stage === undefined ? undefined : this.#totals.get(this.#stage);
    if (total === undefined) return;
    total.ms += performance.now() - this.#stageStartMs;
    total.graphMs += this.#graphMs() - this.#stageGraphStartMs;
    this.#stage = undefined;
  }

  #weightOf(stage: Stage): number {
    return this.weights[stage] ?? 0;
  }

  #graphMs(): number {
    return this.meters.reduce((sum, meter) => sum + meter.ms, 0);
  }
}
