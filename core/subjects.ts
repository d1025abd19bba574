import type { JobKind } from './kinds.js';

/**
 * The one place that names streams, subjects and their settings. The programs meet only here.
 *
 *   jobs.<kind>            work queue, on disk       API → daemon
 *   inline.<kind>          work queue, memory only   API → daemon (zero retention)
 *   ended.<jobId>          limits stream, on disk    daemon → API, one per job
 *   dead.<kind>            limits stream, on disk    jobs that ran out of attempts, for operators
 *   progress.<jobId>       no stream                 daemon → API
 *   cancel.<jobId>         no stream                 API → daemon
 *   node.<nodeId>          no stream                 daemon → API, heartbeats
 *   check.prompt           no stream, queue group    API → daemon, request and reply
 */
export const STREAM = { jobs: 'JOBS', inline: 'INLINE', ended: 'ENDED', dead: 'DEAD' } as const;
export const FENCE_BUCKET = 'job-fence';

export const subject = {
  job: (kind: JobKind) => `jobs.${kind}`,
  inlineJob: (kind: JobKind) => `inline.${kind}`,
  ended: (jobId: string) => `ended.${jobId}`,
  dead: (kind: JobKind) => `dead.${kind}`,
  progress: (jobId: string) => `progress.${jobId}`,
  cancel: (jobId: string) => `cancel.${jobId}`,
  heartbeat: (nodeId: string) => `node.${nodeId}`,
  allProgress: 'progress.*',
  allEnded: 'ended.*',
  allCancels: 'cancel.*',
  allHeartbeats: 'node.*',
  promptCheck: 'check.prompt',
} as const;

/** Ended events are kept this long, which bounds how long every API process may be away. */
export const ENDED_MAX_AGE_MS = 7 * 24 * 3600_000;
/** A waiting job is dropped by the broker only long after its own deadline has failed it. */
export const JOBS_MAX_AGE_MS = 3 * 24 * 3600_000;
/** Fences outlive every possible redelivery. */
export const FENCE_MAX_AGE_MS = 4 * 24 * 3600_000;
/** A job that has not started after this long fails with JOB_EXPIRED. */
export const JOB_DEADLINE_MS = 24 * 3600_000;
/** An inline job has a customer waiting on an open connection. */
export const INLINE_DEADLINE_MS = 15 * 60_000;
/** Window in which the broker drops a message that was published before (same Nats-Msg-Id). */
export const DUPLICATE_WINDOW_MS = 2 * 60_000;
/** Heartbeats come this often; a node unheard of for three of them is away. */
export const HEARTBEAT_EVERY_MS = 2000;
export const NODE_AWAY_AFTER_MS = 3 * HEARTBEAT_EVERY_MS;
