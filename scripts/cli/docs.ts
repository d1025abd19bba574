import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../core/paths.js';
import { apiErrorsPage } from '../docs/api-errors-page.js';
import { errorsPage } from '../docs/errors-page.js';
import { settingsPage } from '../docs/settings-page.js';
import type { Command } from './command.js';

const command: Command = {
  summary: 'write the reference pages that are made from code',
  usage: `usage: zsky-node docs

Writes docs/settings.md, docs/errors.md and docs/api-errors.md anew.`,
  async run() {
    const pages = {
      'settings.md': settingsPage(),
      'errors.md': errorsPage(),
      'api-errors.md': apiErrorsPage(),
    };
    for (const [name, text] of Object.entries(pages)) {
      writeFileSync(join(PROJECT_ROOT, 'docs', name), text);
      console.log(`docs/${name}`);
    }
    return 0;
  },
};
export default command;
