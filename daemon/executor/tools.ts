import type { ImagePipeline, VideoPipeline, AudioPipeline } from '../../pipelines/pipeline.js';
import type { SoundDirector } from '../../pipelines/sound-director/plan.js';
import type { VitsPipeline } from '../../pipelines/speech/vits-pipeline.js';
import type { RunMeter } from '../../models/run-meter.js';
import type { CredentialSigner } from '../../safety/credentials/credential-signer.js';
import type { OutputChecker } from '../../safety/output/output-checker.js';
import type { PromptChecker } from '../../safety/prompt/prompt-checker.js';

/** Everything an executor has loaded before it takes its first job. */
export interface ExecutorTools {
  readonly image: ImagePipeline | undefined;
  readonly video: VideoPipeline | undefined;
  readonly audio: AudioPipeline | undefined;
  /** Speaks quoted words; absent where set-up has fetched no voice. */
  readonly voice: VitsPipeline | undefined;
  readonly director: SoundDirector;
  readonly prompts: PromptChecker;
  readonly outputs: OutputChecker;
  readonly safetyMeter: RunMeter;
  readonly nodeId: string;
  readonly watermarkKey: Uint8Array;
  readonly ffmpeg: string | undefined;
  readonly encoder: 'x264' | 'nvenc';
  readonly credentials: CredentialSigner;
}
