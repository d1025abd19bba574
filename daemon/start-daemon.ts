import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectBroker } from '../core/broker/connection.js';
import { Fence } from '../core/broker/fence.js';
import { ensureStreams } from '../core/broker/streams.js';
import { CACHE_DIR } from '../core/paths.js';
import { installationSecret } from '../core/config/secrets.js';
import type { Settings } from '../core/config/settings.js';
import { NodeError } from '../core/errors.js';
import type { Logger } from '../core/logging.js';
import { openResultStore } from '../core/storage/open-store.js';
import { signingIdentity } from '../safety/credentials/signing-identity.js';
import { Supervisor } from './supervisor.js';

export interface RunningDaemon {
  readonly nodeId: string;
  /** Resolves after a stop, rejects when the daemon cannot go on. */
  readonly done: Promise<void>;
  /** Drains: the running job is finished or, when that takes too long, given back. */
  stop(): Promise<void>;
}

/** The folder for films being made; what a killed predecessor left in it is removed. @throws DATA_FOLDER_UNWRITABLE */
function scratchFolder(dataDir: string, nodeId: string): string {
  const folder = join(dataDir, 'scratch', nodeId);
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch (error) {
    throw new NodeError('DATA_FOLDER_UNWRITABLE', `the data folder ${dataDir} cannot be written`, {
      cause: error,
      hint: 'Set ZSKY_DATA_DIR to a folder this user may write.',
    });
  }
}

/**
 * Brings up a node: broker connection, executor with its packs, work loop.
 * @throws BROKER_UNAVAILABLE, PACK_…, DEVICE_UNAVAILABLE, DATA_FOLDER_UNWRITABLE, …
 */
export async function startDaemon(
  settings: Settings,
  brokerUrl: string,
  log: Logger,
): Promise<RunningDaemon> {
  const { daemon, dataDir } = settings;
  const nodeId =
    daemon.nodeId ?? installationSecret(dataDir, 'node-id', () => `node-${randomBytes(4).toString('hex')}`);
  const watermarkKey = daemon.watermarkKey ?? installationSecret(dataDir, 'watermark-key');
  const identity = signingIdentity(dataDir, daemon);
  const scratchRoot = scratchFolder(dataDir, nodeId);
  const store = openResultStore(settings);
  const connection = await connectBroker({
    url: brokerUrl,
    token: settings.broker.token,
    name: `daemon ${nodeId}`,
    log,
  });
  try {
    await ensureStreams(connection, settings.broker.replicas);
    const fence = await Fence.open(connection);
    const { maxAttempts, stageBudgetMs, ackWaitMs } = daemon;
    const supervisor = new Supervisor(
      connection,
      { connection, fence, store, log, nodeId, maxAttempts, stageBudgetMs, ackWaitMs, scratchRoot },
      {
        packs: daemon.packs,
        device: daemon.device,
        deviceId: daemon.deviceId,
        threads: daemon.threads,
        nodeId,
        watermarkKey,
        safetyModels: join(CACHE_DIR, 'safety'),
        policyFolder: daemon.policy,
        ffmpeg: daemon.ffmpeg,
        encoder: daemon.encoder,
        identity,
        verifyDigests: true,
      },
    );
    await supervisor.start().catch(async (error: unknown) => {
      await supervisor.stop(0);
      throw error;
    });
    log.info({ nodeId, credentials: supervisor.credentials }, 'the node takes jobs');
    return {
      nodeId,
      done: supervisor.done(),
      stop: async () => {
        await supervisor.stop(daemon.drainMs);
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
