import { setTimeout as sleep } from 'node:timers/promises';
import { connectBroker } from '../../core/broker/connection.js';
import { NodeDirectory } from '../../core/broker/signals.js';
import { loadSettings } from '../../core/config/load.js';
import { createLogger } from '../../core/logging.js';
import { NODE_AWAY_AFTER_MS } from '../../core/subjects.js';
import { table } from '../demo/table.js';
import type { Command } from './command.js';

async function apiState(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5000) });
    return response.ok ? 'ok' : `answers ${response.status}`;
  } catch {
    return 'does not answer';
  }
}

const command: Command = {
  summary: 'tell whether broker, API and nodes are alive',
  usage: `usage: zsky-node health

Asks the broker and the API of the settings, and listens for the heartbeats of nodes. Exit status 0 when all
three are well, 1 otherwise.`,
  async run() {
    const settings = loadSettings(process.env);
    const brokerUrl = settings.broker.url ?? `nats://127.0.0.1:${settings.broker.port}`;
    const apiUrl = settings.api.publicUrl ?? `http://${settings.api.host}:${settings.api.port}`;
    const log = createLogger('health', { level: 'silent', pretty: false });
    const connection = await connectBroker({
      url: brokerUrl,
      token: settings.broker.token,
      name: 'health',
      log,
    });
    try {
      const directory = new NodeDirectory(connection);
      const [api] = await Promise.all([apiState(apiUrl), sleep(NODE_AWAY_AFTER_MS)]);
      const nodes = directory.live();
      console.log(
        table(
          ['part', 'where', 'state', 'credentials'],
          [
            ['broker', brokerUrl, 'ok', ''],
            ['API', apiUrl, api, ''],
            ...nodes.map((node) => [
              `node ${node.nodeId}`,
              `${node.device}: ${node.kinds.join(', ')}`,
              node.state,
              node.credentials,
            ]),
          ],
        ),
      );
      if (nodes.length === 0) console.log('no node is alive');
      return api === 'ok' && nodes.length > 0 ? 0 : 1;
    } finally {
      await connection.close();
    }
  },
};
export default command;
