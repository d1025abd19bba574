import { asNodeError } from '../../core/errors.js';
import type { Command } from './command.js';

/** Every subcommand, loaded only when asked for: a help text must not load ONNX Runtime. */
const COMMANDS: Readonly<Record<string, () => Promise<{ default: Command }>>> = {
  setup: () => import('./setup.js'),
  docs: () => import('./docs.js'),
  warmup: () => import('./warmup.js'),
  health: () => import('./health.js'),
  run: () => import('./run.js'),
  keys: () => import('./keys.js'),
  ledger: () => import('./ledger.js'),
  watermark: () => import('./watermark.js'),
  safety: () => import('./safety.js'),
};

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(
      async ([name, load]) => `  ${name.padEnd(12)} ${(await load()).default.summary}`,
    ),
  );
  return [
    'usage: zsky-node <command> [options]',
    '',
    'commands:',
    ...lines,
    '',
    'zsky-node <command> --help tells more.',
  ].join('\n');
}

/** Runs `zsky-node` with the given words and resolves to the exit status: 0 done, 1 failed, 2 misused. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(await overview());
    return name === undefined ? 2 : 0;
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    console.error(`zsky-node: there is no command "${name}".\n\n${await overview()}`);
    return 2;
  }
  const command = (await load()).default;
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    // A wrong flag is a misuse, told in parseArgs' own words; anything else is a coded error.
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      console.error(`zsky-node ${name}: ${error.message}\n\n${command.usage}`);
      return 2;
    }
    const known = asNodeError(error);
    console.error(
      `zsky-node ${name}: ${known.message} [${known.code}]${known.hint === undefined ? '' : `\n${known.hint}`}`,
    );
    return 1;
  }
}
