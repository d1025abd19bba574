import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import { apiErrorsPage } from './api-errors-page.js';
import { errorsPage } from './errors-page.js';
import { settingsPage } from './settings-page.js';

test.each([
  ['settings.md', settingsPage],
  ['errors.md', errorsPage],
  ['api-errors.md', apiErrorsPage],
])('docs/%s is what the code says; "zsky-node docs" makes it anew', (name, page) => {
  expect(readFileSync(join(PROJECT_ROOT, 'docs', name), 'utf8')).toBe(page());
});
