import { prepareBroker } from './broker.js';
import { prepareFfmpeg } from './ffmpeg.js';
import { prepareSafetyModels } from './safety-models.js';
import { prepareVoice } from './speech.js';

export interface Prepared {
  readonly broker: string;
  readonly ffmpeg: string;
  readonly safetyModels: string;
  readonly voice: string;
}

/** Makes sure that everything a node needs besides npm packages is there. Quick when it already is. */
export async function prepare(
  settings: {
    broker: { binary?: string | undefined; url?: string | undefined };
    daemon: { ffmpeg?: string | undefined };
  },
  onProgress: (line: string) => void,
): Promise<Prepared> {
  const broker =
    settings.broker.url === undefined ? await prepareBroker(onProgress, settings.broker.binary) : '';
  const ffmpeg = await prepareFfmpeg(onProgress);
  const safetyModels = await prepareSafetyModels(onProgress);
  const voice = await prepareVoice(onProgress);
  return { broker, ffmpeg, safetyModels, voice };
}
