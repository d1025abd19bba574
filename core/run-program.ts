import { asNodeError } from './errors.js';

/** A program's one line about why it cannot go on, with the line that fixes it. */
export function failureLine(program: string, error: unknown): string {
  const known = asNodeError(error);
  return `${program}: ${known.message} [${known.code}]${known.hint === undefined ? '' : `\n${known.hint}`}`;
}

/** Resolves with the first signal that asks the program to end. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
