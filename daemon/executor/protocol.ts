import type {
  JobMessage,
  JobMetrics,
  PromptCheckRequest,
  PromptVerdict,
  Stage,
} from '../../core/messages.js';
import type { JobKind } from '../../core/kinds.js';
import type { SigningIdentity } from '../../safety/credentials/signing-identity.js';
import type { Refusal } from '../../safety/gate.js';
import type { Pass } from '../../safety/gate.js';

/**
 * What supervisor and executor say to each other over the child process's IPC channel (advanced
 * serialisation, so bytes stay bytes). One job at a time; every job message is answered by exactly one
 * `ended`, unless the executor dies.
 */
export interface ExecutorSetup {
  readonly role: 'executor' | 'checker';
  readonly packs: readonly string[];
  readonly device: 'cpu' | 'cuda';
  readonly deviceId: number;
  readonly threads: number;
  readonly nodeId: string;
  readonly watermarkKey: string;
  /** Folder of safety models made by set-up. */
  readonly safetyModels: string;
  /** Absent: the safety policy that comes with the node. */
  readonly policyFolder: string | undefined;
  /** Seals releases; made anew for each executor process and told to nobody else. */
  readonly passKey: string;
  readonly ffmpeg: string | undefined;
  readonly encoder: 'x264' | 'nvenc';
  /** What manifests are signed with; undefined where the operator wants none. */
  readonly identity: SigningIdentity | undefined;
  readonly verifyDigests: boolean;
}

export type ToExecutor =
  | { readonly type: 'setup'; readonly setup: ExecutorSetup }
  | { readonly type: 'job'; readonly job: JobMessage; readonly scratchDir: string }
  | { readonly type: 'cancel' }
  | { readonly type: 'check'; readonly id: number; readonly question: PromptCheckRequest };

/**
 * Steps of a job that follow each other faster are told together. The executor leaves out what comes too soon, since a graph
 * run lets no timer fire; the supervisor, where one can, passes on the last word of each span.
 */
export const REPORT_EVERY_MS = 100;

/** A finished file of a job: the result itself or a film's poster. */
export interface ProducedMedia {
  readonly part: 'result' | 'poster';
  readonly pass: Pass;
}

export type ExecutorOutcome =
  | { readonly outcome: 'produced'; readonly media: readonly ProducedMedia[]; readonly metrics: JobMetrics }
  | { readonly outcome: 'blocked'; readonly refusal: Refusal }
  | { readonly outcome: 'cancelled' }
  | { readonly outcome: 'error'; readonly code: string; readonly message: string };

export type FromExecutor =
  | { readonly type: 'loading'; readonly what: string }
  | {
      readonly type: 'ready';
      readonly kinds: readonly JobKind[];
      readonly packs: readonly string[];
      /** Whether results carry a signed manifest, in words. */
      readonly credentials: string;
    }
  | {
      readonly type: 'start-failed';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    }
  | {
      readonly type: 'progress';
      readonly stage: Stage;
      readonly step: number;
      readonly steps: number;
      readonly fraction: number;
    }
  | { readonly type: 'ended'; readonly result: ExecutorOutcome }
  | { readonly type: 'verdict'; readonly id: number; readonly verdict: PromptVerdict }
  | { readonly type: 'check-failed'; readonly id: number; readonly message: string };
