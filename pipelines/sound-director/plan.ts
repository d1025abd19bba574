/** The sounds that the audio packs are asked for; the starter audio pack is trained on exactly these. */
export const SOUND_CLASSES = [
  'waves',
  'wind',
  'rain',
  'thunder',
  'fire',
  'birds',
  'crickets',
  'bells',
  'traffic',
  'footsteps',
  'chords',
  'room',
] as const;
export type SoundClass = (typeof SOUND_CLASSES)[number];

/** One sound of a scene, made by one run of the audio graphs. */
export interface SoundLayer {
  readonly sound: SoundClass;
  /** What the audio pack is asked for. */
  readonly prompt: string;
  /** Loudness beside the loudest layer, 0 or below. */
  readonly levelDb: number;
}

/** What a scene should sound like. */
export interface SoundPlan {
  /** Loudest first; never empty. */
  readonly layers: readonly SoundLayer[];
  /** Words to be spoken over the layers, in order. */
  readonly speech: readonly string[];
  /** True when the prompt names no sound: room tone, to be mastered far below the usual loudness. */
  readonly quiet: boolean;
}

/**
 * Works out what a prompt should sound like. The node's own is `keywordDirector`; one that asks a language
 * model fits behind the same interface.
 */
export interface SoundDirector {
  plan(prompt: string): Promise<SoundPlan>;
}
