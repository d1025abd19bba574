import {
  SOUND_CLASSES,
  type SoundClass,
  type SoundDirector,
  type SoundLayer,
  type SoundPlan,
} from './plan.js';
import { speechLines, withoutQuotes } from './speech-lines.js';
import { CUES, SILENT_USES, SOFTER, SOUND_PROMPTS, STRONGER } from './vocabulary.js';

const MAX_LAYERS = 3;
/** What lies further below the loudest layer would not be heard. */
const MIN_LEVEL_DB = -14;
const DENIED = /(?<!\w)(?:no|without|silent|not|never|free of)\s+(?:\p{L}+\s+)?$/iu;

function loudestLevels(scene: string): Map<SoundClass, number> {
  const levels = new Map<SoundClass, number>();
  const denied = new Set<SoundClass>();
  for (const { words, sounds } of CUES) {
    for (const found of scene.matchAll(words)) {
      const refused = DENIED.test(scene.slice(0, found.index));
      for (const sound of SOUND_CLASSES) {
        const level = sounds[sound];
        if (level === undefined) continue;
        if (refused) denied.add(sound);
        else levels.set(sound, Math.max(level, levels.get(sound) ?? -Infinity));
      }
    }
  }
  for (const sound of denied) levels.delete(sound);
  return levels;
}

function strengthWord(scene: string): string {
  const stronger = STRONGER.test(scene);
  const softer = SOFTER.test(scene);
  if (stronger === softer) return '';
  return stronger ? 'strong ' : 'soft ';
}

/** Works out the plan for a prompt from its words alone. */
export function planSound(prompt: string): SoundPlan {
  const speech = speechLines(prompt);
  const scene = withoutQuotes(prompt).replace(SILENT_USES, ' ');
  const ranked = [...loudestLevels(scene)].sort(([, a], [, b]) => b - a).slice(0, MAX_LAYERS);
  const loudest = ranked[0]?.[1] ?? 0;
  const strength = strengthWord(scene);
  const layers: SoundLayer[] = ranked
    .map(([sound, level]) => ({
      sound,
      prompt: `${sound === 'room' ? '' : strength}${SOUND_PROMPTS[sound]}`,
      levelDb: level - loudest,
    }))
    .filter(({ levelDb }) => levelDb >= MIN_LEVEL_DB);
  if (layers.length === 0) layers.push({ sound: 'room', prompt: SOUND_PROMPTS.room, levelDb: 0 });
  return { layers, speech, quiet: speech.length === 0 && layers[0].sound === 'room' };
}

/** The director that reads a prompt's words; it needs no graph and always gives the same answer. */
export const keywordDirector: SoundDirector = {
  plan: async (prompt) => planSound(prompt),
};
