import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings } from '../../core/config/load.js';
import { asNodeError } from '../../core/errors.js';
import type { PromptVerdict } from '../../core/messages.js';
import { CACHE_DIR } from '../../core/paths.js';
import { readPicture } from '../../daemon/media/read-picture.js';
import { RunMeter } from '../../models/run-meter.js';
import { createOutputChecker, type OutputVerdict } from '../../safety/output/output-checker.js';
import { createPromptChecker } from '../../safety/prompt/prompt-checker.js';
import type { Command } from './command.js';

const USAGE = `usage: zsky-node safety prompt "TEXT" [--negative TEXT] [--policy FOLDER] [--json]
       zsky-node safety image FILE [--policy FOLDER] [--json]

prompt asks the check that every prompt goes through, image the one that every finished picture goes through, and
both say what decided:

  refused    sexual
  found by   word list, score 1.00
  told       Sorry — our safety check stopped this prompt: sexual content and nudity are not allowed.

  --negative TEXT   the negative prompt that goes with the prompt
  --policy FOLDER   a safety policy to try; without it the setting daemon.policy, or the one that comes with the node
  --json            one line of JSON instead

Exit status 0 when it is allowed, 1 when it is refused, 2 when the check could not run.`;

interface Options {
  readonly modelsDir: string;
  readonly policyFolder: string | undefined;
  readonly meter: RunMeter;
}

function described(verdict: PromptVerdict | OutputVerdict): string {
  const lines: (readonly [string, string])[] = [];
  if (!verdict.allowed) lines.push(['refused', verdict.category]);
  else lines.push(['allowed', '']);
  if ('layer' in verdict) lines.push(['found by', `${verdict.layer}, score ${verdict.score.toFixed(2)}`]);
  if ('scores' in verdict) {
    const scores = Object.entries(verdict.scores).map(([name, score]) => `${name} ${score.toFixed(2)}`);
    lines.push(['classes', scores.join(', ')]);
  }
  if (!verdict.allowed) lines.push(['told', verdict.reason]);
  return lines.map(([name, text]) => `${name.padEnd(10)} ${text}`.trimEnd()).join('\n');
}

async function judge(
  what: string,
  subject: string,
  negative: string | undefined,
  options: Options,
): Promise<PromptVerdict | OutputVerdict> {
  if (what === 'prompt') return (await createPromptChecker(options)).check({ prompt: subject, negative });
  const picture = await readPicture(subject, { upright: true });
  return (await createOutputChecker(options)).checkPicture(picture);
}

const command: Command = {
  summary: 'ask the safety check about a prompt or a picture',
  usage: USAGE,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        negative: { type: 'string' },
        policy: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [what, subject] = positionals;
    if ((what !== 'prompt' && what !== 'image') || subject === undefined || positionals.length !== 2) {
      console.error(USAGE);
      return 2;
    }
    try {
      const policyFolder = values.policy ?? loadSettings(process.env).daemon.policy;
      const options = { modelsDir: join(CACHE_DIR, 'safety'), policyFolder, meter: new RunMeter() };
      const verdict = await judge(what, subject, values.negative, options);
      console.log(values.json ? JSON.stringify(verdict) : described(verdict));
      return verdict.allowed ? 0 : 1;
    } catch (error) {
      // 1 means refused here, so a check that could not run ends otherwise than in other commands.
      const { message, code, hint } = asNodeError(error);
      console.error(`zsky-node safety: ${message} [${code}]${hint === undefined ? '' : `\n${hint}`}`);
      return 2;
    }
  },
};
export default command;
