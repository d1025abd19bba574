import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { loadSettings } from '../../core/config/load.js';
import { NodeError } from '../../core/errors.js';
import { findFfmpeg } from '../../daemon/media/find-ffmpeg.js';
import { readPicture } from '../../daemon/media/read-picture.js';
import { embedPicture } from '../../safety/watermark/picture.js';
import { readMark } from '../media/read-mark.js';
import type { Command } from './command.js';

const USAGE = `usage: zsky-node watermark detect FILE [--key TEXT]
       zsky-node watermark embed PICTURE --payload HEX --out FILE.png [--key TEXT]

detect looks for this node's invisible mark in a picture, a film or a sound, also after scaling, cropping,
mirroring, small turns and re-encoding, and prints one line of JSON:

  {"found":true,"payload":"1a2b5f0c33d1","confidence":17.9}
  {"found":false,"confidence":5.1}

payload: 1 digit version, 3 digits node tag, then the first 8 digits of the job's id. confidence: standard
deviations of chance for the pilots; whether a payload is believed its checks decide. Exit status 0 when a mark was
found, 3 when there is none.

embed marks a picture, to try a key and a payload of 12 hexadecimal digits.

  --key TEXT   the secret key; without it the setting daemon.watermarkKey, or the one in the data folder`;

function keyOf(given: string | undefined): Uint8Array {
  const settings = loadSettings(process.env);
  const key = given ?? settings.daemon.watermarkKey;
  if (key !== undefined) return new TextEncoder().encode(key);
  const file = join(settings.dataDir, 'secrets', 'watermark-key');
  try {
    return new TextEncoder().encode(readFileSync(file, 'utf8').trim());
  } catch (cause) {
    throw new NodeError('CONFIG_INVALID', `there is no watermark key at ${file}`, {
      cause,
      hint: 'Give one with --key, or run this in the folder of the node.',
    });
  }
}

const command: Command = {
  summary: 'find the invisible mark in a picture, film or sound',
  usage: USAGE,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { key: { type: 'string' }, payload: { type: 'string' }, out: { type: 'string' } },
    });
    const [action, file] = positionals;
    if (action === 'detect' && file !== undefined && positionals.length === 2) {
      const found = await readMark(file, keyOf(values.key), findFfmpeg);
      console.log(JSON.stringify({ ...found, confidence: Number(found.confidence.toFixed(2)) }));
      return found.found ? 0 : 3;
    }
    if (action === 'embed' && file !== undefined && values.out !== undefined) {
      const payload = Buffer.from(values.payload ?? '', 'hex');
      const picture = await readPicture(file);
      if (payload.length !== 6) {
        console.error('zsky-node watermark: --payload has 12 hexadecimal digits');
        return 2;
      }
      const { width, height, data } = embedPicture(picture, payload, keyOf(values.key));
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(values.out);
      return 0;
    }
    console.error(USAGE);
    return 2;
  },
};
export default command;
