import { mkdirSync } from 'node:fs';
import { loadSettings } from '../core/config/load.js';
import { NodeError } from '../core/errors.js';
import { failureLine, stopSignal } from '../core/run-program.js';
import { prepare } from './setup/prepare.js';
import { startSystem } from './system/system.js';

/** `npm start`: the whole system, long-lived, on the ports and in the data folder of the settings. */
async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  try {
    mkdirSync(settings.dataDir, { recursive: true });
  } catch (error) {
    throw new NodeError('DATA_FOLDER_UNWRITABLE', `the data folder ${settings.dataDir} cannot be written`, {
      cause: error,
      hint: 'Set ZSKY_DATA_DIR to a folder this user may write.',
    });
  }
  const say = (line: string) => console.log(`  ${line} …`);
  console.log('ZSky Node');
  const { broker, ffmpeg } = await prepare(settings, say);
  const env = { ...process.env, ZSKY_DAEMON_FFMPEG: ffmpeg };
  // A stop that comes while the system starts must not leave half of it running.
  const stopped = stopSignal();
  const system = await startSystem({
    settings,
    brokerBinary: broker,
    env,
    log: 'inherit',
    logHint: () => '; its last line above says why',
    onProgress: say,
  });
  console.log(`\nReady at ${system.url}   (console: ${system.url}/   API: ${system.url}/docs)`);
  if (system.apiKey !== undefined) console.log(`Your API key, shown only this once: ${system.apiKey}`);
  console.log('Stop with Ctrl-C.');
  const end = await Promise.race([stopped, system.broken]);
  if (typeof end === 'string') console.log(`\n${end}: finishing what is running …`);
  await system.stop();
  if (typeof end !== 'string') {
    throw new NodeError('SETUP_FAILED', `${end.name} ended by itself (${end.how}); everything was stopped`);
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(failureLine('zsky-node', error));
    process.exit(1);
  },
);
