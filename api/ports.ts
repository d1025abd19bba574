import type { CancelOutcome } from '../core/broker/fence.js';
import type { InlineInbox } from '../core/broker/inline-result.js';
import type { Delivery } from '../core/broker/pull.js';
import type { JobKind } from '../core/kinds.js';
import type {
  JobMessage,
  ProgressMessage,
  PromptCheckRequest,
  PromptVerdict,
  TerminalEvent,
} from '../core/messages.js';

/** Milliseconds since 1970. */
export type Clock = () => number;

/** What the API needs of the broker and the nodes behind it. */
export interface JobBroker {
  /** False: nothing may be accepted now. */
  readonly here: boolean;

  /** @throws BROKER_UNAVAILABLE when it is unknown whether the broker has the job */
  publish(job: JobMessage): Promise<void>;

  /** True when some node makes this kind, or when it is too early to know. */
  isKindLive(kind: JobKind): boolean;

  /** A node's verdict on a prompt; undefined when no node answers: then the executor's own check decides. */
  checkPrompt(question: PromptCheckRequest): Promise<PromptVerdict | undefined>;

  /** Asks for a job to be stopped. @throws BROKER_UNAVAILABLE */
  cancel(jobId: string): Promise<CancelOutcome>;

  /** A place for one zero-retention result. @throws BROKER_UNAVAILABLE */
  openInbox(): InlineInbox;

  /** The next end of a job for this or another API process to write down. @throws BROKER_UNAVAILABLE */
  nextEnded(waitMs: number): Promise<Delivery<TerminalEvent> | undefined>;

  /** Calls back for every progress message; returns what stops it. */
  onProgress(handle: (progress: ProgressMessage) => void): () => void;

  /** Calls back when a job ends, in every API process, perhaps before the database knows; never replayed. */
  onEnded(handle: (event: TerminalEvent) => void): () => void;

  close(): Promise<void>;
}
