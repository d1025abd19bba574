import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeError } from '../../core/errors.js';

export const USAGE = `usage: npm run demo -- [--kind image|video] [--prompt TEXT] [--width W] [--height H] [--length FRAMES]
                       [--seed N] [--out FILE]

Starts a private broker, the API and the daemon in a temporary folder, makes one picture (or, with --kind video,
one film with sound: 121 frames of 1280x720 unless you say otherwise), downloads it, reads its invisible
watermark back, and stops everything.`;

const PROMPT = 'A solitary lighthouse beam sweeping across choppy black sea, cinematic';

/** What the demo is asked to make. */
export interface Wish {
  readonly kind: 'image' | 'video';
  /** Body of the API request. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Where the result goes. */
  readonly out: string;
}

/** The wish on a command line; undefined when help was asked for. @throws REQUEST_INVALID */
export function readWish(args: readonly string[]): Wish | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kind: { type: 'string', default: 'image' },
      prompt: { type: 'string', default: PROMPT },
      width: { type: 'string' },
      height: { type: 'string' },
      length: { type: 'string' },
      seed: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const { kind } = values;
  if (kind !== 'image' && kind !== 'video')
    throw new NodeError('REQUEST_INVALID', `--kind is image or video, not ${kind}`);
  if (kind === 'image' && values.length !== undefined)
    throw new NodeError('REQUEST_INVALID', '--length is for films', { hint: 'Add --kind video.' });
  const number = (name: 'width' | 'height' | 'length' | 'seed') =>
    values[name] === undefined ? {} : { [name]: Number(values[name]) };
  return {
    kind,
    body: {
      prompt: values.prompt,
      ...number('width'),
      ...number('height'),
      ...number('length'),
      ...number('seed'),
    },
    out: resolve(values.out ?? (kind === 'image' ? 'demo.webp' : 'demo.mp4')),
  };
}
