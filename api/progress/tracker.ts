import type { ProgressMessage, TerminalEvent } from '../../core/messages.js';

/** Progress of one job with the id under which a reader can resume. */
export interface ProgressEvent {
  /** Attempt and number within it: the same in every API process. */
  readonly id: string;
  readonly progress: ProgressMessage;
}

interface Tracked {
  events: ProgressEvent[];
  touchedAt: number;
}

/** Enough for every step of a long job; the oldest go first. */
const KEPT_EVENTS = 300;
const MAX_JOBS = 10_000;

function eventId({ attempt, fraction, stage, step }: ProgressMessage): string {
  return `${attempt}.${stage}.${step}.${Math.round(fraction * 1e6)}`;
}

/** Where running jobs are, as heard from the nodes since this process started. */
export class ProgressTracker {
  private readonly jobs = new Map<string, Tracked>();
  private readonly listeners = new Map<string, Set<(event: ProgressEvent | undefined) => void>>();

  /** Takes a progress message. */
  heard(progress: ProgressMessage, now: number): void {
    const tracked = this.jobs.get(progress.jobId) ?? { events: [], touchedAt: now };
    const latest = tracked.events.at(-1)?.progress;
    // Messages of an attempt that was fenced may still trickle in.
    if (latest !== undefined && progress.attempt < latest.attempt) return;
    const event = { id: eventId(progress), progress };
    tracked.events.push(event);
    if (tracked.events.length > KEPT_EVENTS) tracked.events.shift();
    tracked.touchedAt = now;
    // Moved to the end: the first of the map is the one heard of longest ago.
    this.jobs.delete(progress.jobId);
    this.jobs.set(progress.jobId, tracked);
    if (this.jobs.size > MAX_JOBS) this.jobs.delete(this.jobs.keys().next().value ?? '');
    this.tell(progress.jobId, event);
  }

  /** Takes the end of a job. */
  ended(event: Pick<TerminalEvent, 'jobId'>): void {
    this.jobs.delete(event.jobId);
    this.tell(event.jobId, undefined);
  }

  /** The newest progress of a job; undefined when none was heard of. */
  latest(jobId: string): ProgressMessage | undefined {
    return this.jobs.get(jobId)?.events.at(-1)?.progress;
  }

  /** What was heard after the event with this id; only the newest when the id is not known here. */
  since(jobId: string, lastId: string | undefined): readonly ProgressEvent[] {
    const events = this.jobs.get(jobId)?.events ?? [];
    const at = lastId === undefined ? -1 : events.findIndex((event) => event.id === lastId);
    return at >= 0 ? events.slice(at + 1) : events.slice(-1);
  }

  /** Calls back on progress, and with undefined when the job has ended; returns what stops it. */
  follow(jobId: string, listener: (event: ProgressEvent | undefined) => void): () => void {
    const set = this.listeners.get(jobId) ?? new Set();
    set.add(listener);
    this.listeners.set(jobId, set);
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.listeners.get(jobId) === set) this.listeners.delete(jobId);
    };
  }

  private tell(jobId: string, event: ProgressEvent | undefined): void {
    for (const listener of this.listeners.get(jobId) ?? []) listener(event);
  }
}
