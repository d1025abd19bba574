import type { NatsConnection, Subscription } from 'nats';
import {
  nodeHeartbeat,
  progressMessage,
  promptCheckRequest,
  promptVerdict,
  terminalEvent,
  type NodeHeartbeat,
  type ProgressMessage,
  type PromptCheckRequest,
  type PromptVerdict,
  type TerminalEvent,
} from '../messages.js';
import { subject } from '../subjects.js';
import type { JobKind } from '../kinds.js';
import { NODE_AWAY_AFTER_MS } from '../subjects.js';
import { asNodeError } from '../errors.js';
import { fromBytes, toBytes } from './json.js';
import type { z } from 'zod';

/** Fire-and-forget messages: progress, heartbeats, cancels; and the question whether a prompt may be made. */

function listen<T>(
  connection: NatsConnection,
  to: string,
  schema: z.ZodType<T>,
  handle: (value: T) => void,
): Subscription {
  return connection.subscribe(to, {
    callback: (error, message) => {
      if (error !== null) return;
      try {
        handle(fromBytes(schema, message.data));
      } catch {
        // A message of a newer version; the next one may be readable.
      }
    },
  });
}

export function sendProgress(connection: NatsConnection, progress: ProgressMessage): void {
  if (!connection.isClosed()) connection.publish(subject.progress(progress.jobId), toBytes(progress));
}

export function onProgress(
  connection: NatsConnection,
  handle: (progress: ProgressMessage) => void,
): Subscription {
  return listen(connection, subject.allProgress, progressMessage, handle);
}

/** Ends of jobs as they happen, in every process; `pullEnded` is the way that misses none. */
export function onEnded(connection: NatsConnection, handle: (event: TerminalEvent) => void): Subscription {
  return listen(connection, subject.allEnded, terminalEvent, handle);
}

export function sendHeartbeat(connection: NatsConnection, beat: NodeHeartbeat): void {
  if (!connection.isClosed()) connection.publish(subject.heartbeat(beat.nodeId), toBytes(beat));
}

/** Tells whoever runs the job to stop now. The fence decides; this only makes it quick. */
export function sendCancel(connection: NatsConnection, jobId: string): void {
  if (!connection.isClosed()) connection.publish(subject.cancel(jobId));
}

export function onCancel(connection: NatsConnection, handle: (jobId: string) => void): Subscription {
  return connection.subscribe(subject.allCancels, {
    callback: (error, message) => {
      if (error === null) handle(message.subject.slice(message.subject.indexOf('.') + 1));
    },
  });
}

/** Nodes heard of lately. */
export class NodeDirectory {
  readonly #nodes = new Map<string, { beat: NodeHeartbeat; atMs: number }>();
  readonly #subscription: Subscription;

  constructor(
    connection: NatsConnection,
    private readonly now: () => number = Date.now,
  ) {
    this.#subscription = listen(connection, subject.allHeartbeats, nodeHeartbeat, (beat) => {
      this.#nodes.set(beat.nodeId, { beat, atMs: this.now() });
    });
  }

  /** Nodes that can take work now or soon. */
  live(): NodeHeartbeat[] {
    for (const [id, { atMs }] of this.#nodes)
      if (this.now() - atMs > NODE_AWAY_AFTER_MS) this.#nodes.delete(id);
    return [...this.#nodes.values()]
      .map(({ beat }) => beat)
      .filter((beat) => beat.state === 'ready' || beat.state === 'busy');
  }

  isKindLive(kind: JobKind): boolean {
    return this.live().some((beat) => beat.kinds.includes(kind));
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}

const PROMPT_CHECK_TIMEOUT_MS = 3000;

/**
 * Asks any live node whether a prompt may be made. The executor asks again before generating, so no answer
 * here lets nothing through.
 * @throws CHECK_UNAVAILABLE when no node answers.
 */
export async function askPromptCheck(
  connection: NatsConnection,
  question: PromptCheckRequest,
): Promise<PromptVerdict> {
  try {
    const reply = await connection.request(subject.promptCheck, toBytes(question), {
      timeout: PROMPT_CHECK_TIMEOUT_MS,
    });
    return fromBytes(promptVerdict, reply.data);
  } catch (error) {
    throw asNodeError(error, 'CHECK_UNAVAILABLE');
  }
}

/** Answers prompt questions on behalf of a node; one node of all answers each. */
export function answerPromptChecks(
  connection: NatsConnection,
  check: (question: PromptCheckRequest) => Promise<PromptVerdict>,
  onError: (error: unknown) => void,
): Subscription {
  return connection.subscribe(subject.promptCheck, {
    queue: 'checkers',
    callback: (error, message) => {
      if (error !== null) return;
      Promise.resolve()
        .then(() => check(fromBytes(promptCheckRequest, message.data)))
        .then((verdict) => message.respond(toBytes(verdict)))
        .catch(onError); // No answer: the asker times out and the executor's own check decides.
    },
  });
}
