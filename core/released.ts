declare const released: unique symbol;

/** What is known of a file that may be delivered. */
export interface MediaFacts {
  readonly contentType: string;
  readonly bytes: number;
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly frames?: number | undefined;
  readonly framesPerSecond?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly sampleRateHz?: number | undefined;
  /** Watermark payload, lower-case hex, as read back from the encoded file. */
  readonly watermark: string;
}

/** Where the bytes of a release are: in memory (pictures, zero-retention) or in a scratch file (films). */
export type MediaSource =
  { readonly type: 'memory'; readonly data: Uint8Array } | { readonly type: 'file'; readonly path: string };

/**
 * Media that passed every check. Only `safety/gate.ts` makes one, and only this can be stored:
 * handing a store anything else does not compile.
 */
export interface Released {
  readonly [released]: true;
  readonly facts: MediaFacts;
  readonly source: MediaSource;
}
