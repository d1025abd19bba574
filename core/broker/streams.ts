import {
  DiscardPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsConnection,
  type StreamConfig,
} from 'nats';
import {
  DUPLICATE_WINDOW_MS,
  ENDED_MAX_AGE_MS,
  FENCE_BUCKET,
  FENCE_MAX_AGE_MS,
  JOBS_MAX_AGE_MS,
  STREAM,
} from '../subjects.js';
import { jetStreamManager } from './connection.js';

type Wanted = Pick<StreamConfig, 'name' | 'subjects' | 'retention' | 'storage' | 'max_age'>;

const WANTED: readonly Wanted[] = [
  {
    name: STREAM.jobs,
    subjects: ['jobs.*'],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    max_age: nanos(JOBS_MAX_AGE_MS),
  },
  // Zero retention: prompts of these jobs must never reach a disk.
  {
    name: STREAM.inline,
    subjects: ['inline.*'],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.Memory,
    max_age: nanos(JOBS_MAX_AGE_MS),
  },
  {
    name: STREAM.ended,
    subjects: ['ended.*'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(ENDED_MAX_AGE_MS),
  },
  {
    name: STREAM.dead,
    subjects: ['dead.*'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(ENDED_MAX_AGE_MS),
  },
];

/**
 * Makes every stream and the fence bucket, or brings existing ones to these settings. Every program calls
 * it at start, so none depends on another having been first.
 */
export async function ensureStreams(connection: NatsConnection, replicas: number): Promise<JetStreamManager> {
  const manager = await jetStreamManager(connection);
  for (const wanted of WANTED) {
    const config = {
      ...wanted,
      num_replicas: replicas,
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
      discard: DiscardPolicy.New,
      allow_direct: true,
    };
    try {
      await manager.streams.add(config);
    } catch {
      // It exists with other settings, or another program is adding it at this instant.
      await manager.streams.update(wanted.name, config);
    }
  }
  await connection.jetstream().views.kv(FENCE_BUCKET, { history: 1, ttl: FENCE_MAX_AGE_MS, replicas });
  return manager;
}
