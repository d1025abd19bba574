import type { ApiSettings } from '../core/config/settings.js';
import type { JobMessage } from '../core/messages.js';
import type { Logger } from '../core/logging.js';
import type { ResultStore } from '../core/storage/store.js';
import type { Database } from './database/database.js';
import type { Clock, JobBroker } from './ports.js';
import type { ProgressTracker } from './progress/tracker.js';

/** What every part of the API works with. */
export interface Services {
  readonly settings: ApiSettings;
  readonly database: Database;
  readonly broker: JobBroker;
  readonly store: ResultStore;
  readonly progress: ProgressTracker;
  readonly now: Clock;
  readonly log: Logger;
  /** Sends a message whose outbox row this process holds. */
  readonly sendNow: (message: JobMessage) => void;
  /** Key of the download links; undefined when the bucket serves them itself. */
  readonly downloadSecret: string | undefined;
}
