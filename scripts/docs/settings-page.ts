import { leavesOf } from '../../core/config/leaves.js';
import { settingsSchema } from '../../core/config/settings.js';

/** The page that lists every setting, made from the schema itself. */
export function settingsPage(): string {
  const rows = leavesOf(settingsSchema).map(({ path, env, description, secret, fallback }) => {
    const value = fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``;
    return `| \`${path.join('.')}\` | \`${env}\` | ${value} | ${description}${secret ? ' Secret.' : ''} |`;
  });
  return `# Settings

Defaults, then the JSON file named by \`ZSKY_CONFIG\`, then the environment; the later wins. Unknown keys and unknown
\`ZSKY_…\` variables are refused. Lists are separated by commas in the environment. This page is made from the schema in
\`core/config/settings.ts\` with \`zsky-node docs\`.

| in the file | in the environment | default | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}
