import { readFile } from 'node:fs/promises';
import protobuf from 'protobufjs';
import { z } from 'zod';

/** The fields of SentencePiece's ModelProto that a unigram tokenizer needs. */
const MODEL_PROTO = protobuf
  .parse(
    `
  syntax = "proto2";
  message ModelProto {
    message SentencePiece { optional string piece = 1; optional float score = 2; optional int32 type = 3; }
    message TrainerSpec {
      optional int32 model_type = 3 [default = 1];
      optional bool byte_fallback = 35 [default = false];
      optional int32 unk_id = 40 [default = 0];
    }
    message NormalizerSpec { optional bytes precompiled_charsmap = 2; }
    repeated SentencePiece pieces = 1;
    optional TrainerSpec trainer_spec = 2;
    optional NormalizerSpec normalizer_spec = 3;
  }
`,
  )
  .root.lookupType('ModelProto');

const UNIGRAM = 1;
const UNKNOWN_TYPE = 2;

const model = z.object({
  pieces: z.array(z.object({ piece: z.string(), score: z.number().default(0), type: z.number().default(1) })),
  trainerSpec: z
    .object({ modelType: z.number().default(UNIGRAM), byteFallback: z.boolean().default(false) })
    .default({ modelType: UNIGRAM, byteFallback: false }),
  normalizerSpec: z.object({ precompiledCharsmap: z.instanceof(Uint8Array).optional() }).default({}),
});

interface SentencePieceModel {
  readonly pieces: (readonly [piece: string, score: number])[];
  readonly unknownId: number;
  readonly byteFallback: boolean;
  /** Empty where the model normalises nothing. */
  readonly charsmap: Uint8Array;
}

/** A unigram SentencePiece model from its file. Throws where the file is none. */
export async function readSentencePieceModel(path: string): Promise<SentencePieceModel> {
  const message = MODEL_PROTO.decode(await readFile(path));
  const { pieces, trainerSpec, normalizerSpec } = model.parse(MODEL_PROTO.toObject(message));
  if (pieces.length === 0) throw new Error('it has no pieces');
  if (trainerSpec.modelType !== UNIGRAM) throw new Error('it is not of the unigram kind');
  const unknownId = pieces.findIndex(({ type }) => type === UNKNOWN_TYPE);
  if (unknownId < 0) throw new Error('it has no unknown piece');
  return {
    pieces: pieces.map(({ piece, score }) => [piece, score] as const),
    unknownId,
    byteFallback: trainerSpec.byteFallback,
    charsmap: normalizerSpec.precompiledCharsmap ?? new Uint8Array(),
  };
}
