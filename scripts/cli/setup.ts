import { loadSettings } from '../../core/config/load.js';
import { prepare } from '../setup/prepare.js';
import type { Command } from './command.js';

const command: Command = {
  summary: 'fetch what a node needs besides npm packages',
  usage: `usage: zsky-node setup

Makes sure that nats-server, ffmpeg and the safety models are there, fetching what is missing into .cache/
without root. npm start and npm run demo do this by themselves.`,
  async run() {
    const { broker, ffmpeg, safetyModels } = await prepare(loadSettings(process.env), (line) =>
      console.log(`${line} …`),
    );
    console.log(`broker         ${broker === '' ? 'a running server, by ZSKY_BROKER_URL' : broker}`);
    console.log(`ffmpeg         ${ffmpeg}`);
    console.log(`safety models  ${safetyModels}`);
    return 0;
  },
};
export default command;
