import { setImmediate } from 'node:timers/promises';
import type { JobMetrics, Stage, StageTiming } from '../../core/messages.js';
import type { RunMeter } from '../../models/run-meter.js';
import { Cancelled } from '../../pipelines/cancelled.js';
import type { PipelineObserver } from '../../pipelines/pipeline.js';

type Weights = Readonly<Partial<Record<Stage, number>>>;
type Report = (progress: { stage: Stage; step: number; steps: number; fraction: number }) => void;

/** Steps that follow each other faster are told together: every report wakes three programs and a database. */
const REPORT_EVERY_MS = 100;

/**
 * Follows a job through its stages: how long each took, how much of that was inside graph runs, how far the
 * whole is. Every step is also the place where a cancel is noticed.
 */
export class StageClock implements PipelineObserver {
  readonly #timings: StageTiming[] = [];
  readonly #startedMs = performance.now();
  readonly #graphStartMs: number;
  readonly #weightSum: number;
  #stage: Stage | undefined;
  #stageStartMs = 0;
  #stageGraphStartMs = 0;
  #weightBefore = 0;
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
    if (stage !== this.#stage) {
      this.#close();
      this.#stage = stage;
      this.#stageStartMs = performance.now();
      this.#stageGraphStartMs = this.#graphMs();
    }
    this.#peakRss = Math.max(this.#peakRss, process.memoryUsage.rss());
    const now = performance.now();
    if (step === 0 || step === steps || now - this.#reportedMs >= REPORT_EVERY_MS) {
      this.#reportedMs = now;
      const within = (this.weights[stage] ?? 0) * (step / steps);
      const fraction = Math.min(1, (this.#weightBefore + within) / this.#weightSum);
      this.report({ stage, step, steps, fraction });
    }
    // Graph runs block the event loop; a turn of it lets a cancel in and the report out.
    await setImmediate();
    if (this.isCancelled()) throw new Cancelled();
  }

  finish(pack: string): JobMetrics {
    this.#close();
    this.#stage = undefined;
    return {
      stages: this.#timings,
      totalMs: performance.now() - this.#startedMs,
      graphMs: this.#graphMs() - this.#graphStartMs,
      peakRssBytes: Math.max(this.#peakRss, process.memoryUsage.rss()),
      pack,
    };
  }

  #close(): void {
    if (this.#stage === undefined) return;
    this.#weightBefore += this.weights[this.#stage] ?? 0;
    this.#timings.push({
      stage: this.#stage,
      ms: performance.now() - this.#stageStartMs,
      graphMs: this.#graphMs() - this.#stageGraphStartMs,
    });
  }

  #graphMs(): number {
    return this.meters.reduce((sum, meter) => sum + meter.ms, 0);
  }
}
