import { createRequire } from 'node:module';
import { pino, type Logger } from 'pino';
import type { LogSettings } from './config/settings.js';

export type { Logger } from 'pino';

/** Fields that never reach a log, wherever they stand: prompts belong to customers, the rest are secrets. */
const REDACTED = [
  'prompt',
  'negative',
  'key',
  'apiKey',
  'secret',
  'token',
  'watermarkKey',
  'urlSecret',
  'secretAccessKey',
  'accessKeyId',
];

/** A program's logger: JSON lines on standard error, one `program` field, private fields removed. */
export function createLogger(program: string, settings: LogSettings): Logger {
  const options = {
    level: settings.level,
    base: { program },
    redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[private]' },
  };
  if (settings.pretty && prettyInstalled()) {
    return pino({
      ...options,
      transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
    });
  }
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

/** pino-pretty is for development; a production install does not have it. */
function prettyInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('pino-pretty');
    return true;
  } catch {
    return false;
  }
}
