import { ERROR_KINDS } from '../../core/errors.js';

/** The page that lists every error code of jobs, programs and commands. */
export function errorsPage(): string {
  const rows = Object.entries(ERROR_KINDS).map(
    ([code, { disposition, meaning }]) => `| \`${code}\` | ${disposition} | ${meaning} |`,
  );
  return `# Error codes

What a job, a program or a command can end with. The disposition tells what the node does: \`reject\` ends the job as
failed, \`retry\` gives it back to the broker, \`poison\` also replaces the executor, \`fatal\` ends the program. Codes of the
HTTP API are in [api-errors.md](api-errors.md). Made from \`core/errors.ts\` with \`zsky-node docs\`.

| code | disposition | meaning |
|---|---|---|
${rows.join('\n')}
`;
}
