import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings } from '../../core/config/load.js';
import { CACHE_DIR } from '../../core/paths.js';
import { loadTools, warmUp } from '../../daemon/executor/load-tools.js';
import { table } from '../demo/table.js';
import type { Command } from './command.js';

const command: Command = {
  summary: 'load every configured pack once and tell how long it takes',
  usage: `usage: zsky-node warmup [PACK …]

Checks the digests of the packs (all configured ones, or those named), loads their graphs and the safety
models, and runs one small request. A pack that cannot be used is refused by name, with exit status 1.

  zsky-node warmup
  zsky-node warmup models/packs/starter-image`,
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const { daemon } = loadSettings(process.env);
    const rows: string[][] = [];
    let last = performance.now();
    let current: string | undefined;
    const lap = (next: string | undefined) => {
      const now = performance.now();
      if (current !== undefined) rows.push([current, (now - last).toFixed(0)]);
      current = next;
      last = now;
    };
    const tools = await loadTools(
      {
        role: 'executor',
        packs: positionals.length > 0 ? positionals : daemon.packs,
        device: daemon.device,
        deviceId: daemon.deviceId,
        threads: daemon.threads,
        nodeId: 'warmup',
        watermarkKey: 'not used by a warm-up',
        safetyModels: join(CACHE_DIR, 'safety'),
        policyFolder: daemon.policy,
        passKey: '',
        ffmpeg: daemon.ffmpeg,
        encoder: daemon.encoder,
        identity: undefined,
        verifyDigests: true,
      },
      lap,
    );
    await warmUp(tools, lap);
    lap(undefined);
    console.log(table(['loaded', 'ms'], rows));
    return 0;
  },
};
export default command;
