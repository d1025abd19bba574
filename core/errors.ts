/** What the node does about an error: refuse the job, try it again, retire the executor, or exit. */
export type Disposition = 'reject' | 'retry' | 'poison' | 'fatal';

interface ErrorKind {
  readonly disposition: Disposition;
  readonly meaning: string;
}

/** Every code a job, a program or a command can end with; docs/errors.md is held to this table by a test. */
export const ERROR_KINDS = {
  REQUEST_INVALID: {
    disposition: 'reject',
    meaning: 'The request breaks a documented limit; the message names the field.',
  },
  PROMPT_TOO_LONG: { disposition: 'reject', meaning: 'The prompt has more characters than the API allows.' },
  SIZE_UNSUPPORTED: { disposition: 'reject', meaning: 'The pack cannot make a result of this size.' },
  KIND_UNSUPPORTED: { disposition: 'reject', meaning: 'No pack on this node makes this kind of result.' },
  ATTEMPTS_EXHAUSTED: {
    disposition: 'reject',
    meaning: 'The job was started as often as allowed and never finished.',
  },
  JOB_EXPIRED: {
    disposition: 'reject',
    meaning: 'The job waited longer than its deadline and was not started.',
  },
  PACK_MISSING: {
    disposition: 'fatal',
    meaning: 'A configured model pack folder does not exist or has no manifest.',
  },
  PACK_INVALID: {
    disposition: 'fatal',
    meaning: 'A model pack is damaged or not in the expected layout; the message names file and reason.',
  },
  PACK_DIGEST_MISMATCH: {
    disposition: 'fatal',
    meaning: 'A file of a model pack differs from the digest in its manifest.',
  },
  PIPELINE_UNKNOWN: {
    disposition: 'fatal',
    meaning: 'model_index.json names a pipeline class that this node does not run.',
  },
  SCHEDULER_UNKNOWN: {
    disposition: 'fatal',
    meaning: 'scheduler_config.json names a scheduler or option that this node does not run.',
  },
  TOKENIZER_INVALID: {
    disposition: 'fatal',
    meaning: 'The tokenizer files are missing, damaged or do not fit the text encoder.',
  },
  GRAPH_LOAD_FAILED: { disposition: 'fatal', meaning: 'ONNX Runtime could not load a graph.' },
  GRAPH_INPUT_UNEXPECTED: {
    disposition: 'fatal',
    meaning: 'A graph wants an input or type that its pipeline does not give.',
  },
  GRAPH_RUN_FAILED: { disposition: 'poison', meaning: 'ONNX Runtime failed while running a graph.' },
  OUTPUT_NOT_FINITE: { disposition: 'retry', meaning: 'A graph produced NaN or infinity.' },
  DEVICE_OUT_OF_MEMORY: { disposition: 'poison', meaning: 'The device had no memory left for a graph run.' },
  DEVICE_UNAVAILABLE: { disposition: 'fatal', meaning: 'The asked execution provider cannot be used here.' },
  EXECUTOR_DIED: { disposition: 'retry', meaning: 'The executor process ended during the job.' },
  EXECUTOR_SILENT: {
    disposition: 'retry',
    meaning: 'A stage exceeded its time budget without progress; the executor was killed.',
  },
  EXECUTOR_START_FAILED: {
    disposition: 'fatal',
    meaning: 'The executor process could not start or warm up.',
  },
  CHECK_UNAVAILABLE: {
    disposition: 'retry',
    meaning: 'A safety check could not run, so nothing was let through.',
  },
  WATERMARK_UNREADABLE: {
    disposition: 'retry',
    meaning: 'The watermark could not be read back from the encoded result.',
  },
  CREDENTIALS_FAILED: {
    disposition: 'retry',
    meaning: 'The C2PA manifest could not be signed into the result.',
  },
  RELEASE_MISMATCH: { disposition: 'retry', meaning: 'Bytes differ from what the safety gate released.' },
  ENCODE_FAILED: { disposition: 'retry', meaning: 'The picture, film or sound could not be encoded.' },
  PROBE_MISMATCH: {
    disposition: 'retry',
    meaning: 'The finished file differs from what was asked (frames, size, rate or duration).',
  },
  FFMPEG_MISSING: {
    disposition: 'fatal',
    meaning: 'No ffmpeg was found; the message has the line that installs it.',
  },
  FFMPEG_FAILED: { disposition: 'retry', meaning: 'ffmpeg ended with an error.' },
  DISK_FULL: { disposition: 'retry', meaning: 'There was no space left for a file.' },
  STORAGE_UNAVAILABLE: {
    disposition: 'retry',
    meaning: 'The result store could not be reached or refused the write.',
  },
  BROKER_UNAVAILABLE: { disposition: 'retry', meaning: 'The NATS server could not be reached.' },
  BROKER_MISSING: {
    disposition: 'fatal',
    meaning: 'No nats-server was found; the message has the line that installs it.',
  },
  BROKER_NO_JETSTREAM: { disposition: 'fatal', meaning: 'The NATS server runs without JetStream.' },
  DATABASE_UNAVAILABLE: { disposition: 'fatal', meaning: 'The database could not be opened.' },
  CONFIG_INVALID: {
    disposition: 'fatal',
    meaning: 'A setting is unknown or has a wrong value; the message names it.',
  },
  PORT_TAKEN: { disposition: 'fatal', meaning: 'The port is in use by another program.' },
  DATA_FOLDER_UNWRITABLE: { disposition: 'fatal', meaning: 'The data folder cannot be written.' },
  SETUP_FAILED: {
    disposition: 'fatal',
    meaning: 'A piece that set-up fetches could not be had; the message names it and what to do.',
  },
  FILE_UNREADABLE: {
    disposition: 'reject',
    meaning: 'A file given to a command does not exist or is not of the expected kind.',
  },
  FENCED: {
    disposition: 'reject',
    meaning: 'A newer attempt of the same job took over; this one may not commit.',
  },
  INTERNAL: { disposition: 'retry', meaning: 'An error nobody foresaw; the log has the details.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export interface NodeErrorOptions {
  readonly cause?: unknown;
  /** One line telling what to do about it. */
  readonly hint?: string;
}

/** The one error class of the node: a code from the table, a message for people, what caused it. */
export class NodeError extends Error {
  readonly hint: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: NodeErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'NodeError';
    this.hint = options.hint;
  }

  get disposition(): Disposition {
    return ERROR_KINDS[this.code].disposition;
  }
}

/** Any thrown value as a NodeError, so that every failure has a code. */
export function asNodeError(error: unknown, fallback: ErrorCode = 'INTERNAL'): NodeError {
  if (error instanceof NodeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new NodeError(fallback, message, { cause: error });
}
