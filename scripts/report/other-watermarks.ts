import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { PROJECT_ROOT } from '../../core/paths.js';
import type { RgbImage } from '../../core/media.js';
import { readPicture } from '../../daemon/media/read-picture.js';

/** A watermark that the attacks are tried on. */
export interface WatermarkMethod {
  embed(image: RgbImage, payload: Uint8Array): Promise<RgbImage>;
  /** The payload in lower-case hex; methods without a check always give one. */
  read(image: RgbImage, bytes: number): Promise<{ payload: string | undefined; note: string }>;
  close(): void;
}

/** A method of the Python package invisible-watermark, kept running in a process of its own. */
export function otherMethod(name: string, python: string): WatermarkMethod {
  const scratch = mkdtempSync(join(tmpdir(), 'other-watermark-'));
  const input = join(scratch, 'in.png');
  const output = join(scratch, 'out.png');
  const child = spawn(python, [join(PROJECT_ROOT, 'scripts/report/other_watermarks.py'), name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    const answer: IteratorResult<string, unknown> = await answers.next();
    if (answer.done === true) throw new Error(`${python} ended; can it import imwatermark?`);
    return answer.value;
  };
  const write = ({ width, height, data }: RgbImage): Promise<unknown> =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toFile(input);
  return {
    embed: async (image, payload) => {
      await write(image);
      await ask(`embed ${Buffer.from(payload).toString('hex')} ${input} ${output}`);
      return await readPicture(output);
    },
    read: async (image, bytes) => {
      await write(image);
      const payload = await ask(`read ${bytes} ${input}`);
      return { payload: payload === 'none' ? undefined : payload, note: '' };
    },
    close: () => {
      child.stdin.end();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
