import { loadSettings } from '../../core/config/load.js';
import { openCredentialSigner } from '../../safety/credentials/credential-signer.js';
import { signingIdentity } from '../../safety/credentials/signing-identity.js';
import { prepare } from '../setup/prepare.js';
import type { Command } from './command.js';

const command: Command = {
  summary: 'fetch what a node needs besides npm packages',
  usage: `usage: zsky-node setup

Makes sure that nats-server, ffmpeg and the safety models are there, fetching what is missing into .cache/
without root; makes a development certificate for content credentials where none is set. npm start and npm run demo do this by themselves.`,
  async run() {
    const settings = loadSettings(process.env);
    const { broker, ffmpeg, safetyModels } = await prepare(settings, (line) => console.log(`${line} …`));
    console.log(`broker         ${broker === '' ? 'a running server, by ZSKY_BROKER_URL' : broker}`);
    console.log(`ffmpeg         ${ffmpeg}`);
    console.log(`safety models  ${safetyModels}`);
    const signer = await openCredentialSigner(signingIdentity(settings.dataDir, settings.daemon));
    console.log(`credentials    ${signer.state}`);
    return 0;
  },
};
export default command;
