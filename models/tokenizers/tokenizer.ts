/** Token ids of one text. */
export interface Encoding {
  /** Ids, cut to `maxLength` and padded to it where asked. */
  readonly ids: number[];
  /** 1 for tokens, 0 for padding. */
  readonly attentionMask: number[];
  /** The text had more tokens than fit. */
  readonly truncated: boolean;
}

export interface EncodeOptions {
  readonly maxLength: number;
  /** Fill up to `maxLength` with the pad token. */
  readonly pad: boolean;
}

export interface Tokenizer {
  /** Tokens the text encoder takes at most. */
  readonly modelMaxLength: number;
  readonly vocabularySize: number;
  encode(text: string, options: EncodeOptions): Encoding;
}
