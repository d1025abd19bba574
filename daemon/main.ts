import { loadSettings } from '../core/config/load.js';
import { createLogger } from '../core/logging.js';
import { failureLine, stopSignal } from '../core/run-program.js';
import { startDaemon } from './start-daemon.js';

/** The daemon as a program of its own: `node dist/daemon/main.js`. SIGTERM drains and exits 0. */
async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  const log = createLogger('daemon', settings.log);
  const brokerUrl = settings.broker.url ?? `nats://127.0.0.1:${settings.broker.port}`;
  const daemon = await startDaemon(settings, brokerUrl, log);
  process.send?.({ ready: 'daemon' });
  const signal = await Promise.race([stopSignal(), daemon.done]);
  if (signal !== undefined) log.info({ signal }, 'draining');
  await daemon.stop();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(failureLine('daemon', error));
    process.exit(1);
  },
);
