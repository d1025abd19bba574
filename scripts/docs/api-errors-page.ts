import { API_ERRORS } from '../../api/http/api-errors.js';

/** The page that lists every error code of the HTTP API. */
export function apiErrorsPage(): string {
  const rows = Object.entries(API_ERRORS).map(
    ([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`,
  );
  return `# Error codes of the HTTP API

Every answer that is not a success is \`application/problem+json\` (RFC 9457) with \`code\` from this table, the HTTP
\`status\`, the \`request_id\` to give to support, and \`error\` in plain words. Answers with status 429 and 503 carry
\`Retry-After\`; those with 429 also \`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\`. Why a *job* failed
is told by its \`error_code\`, from [errors.md](errors.md). Made from \`api/http/api-errors.ts\` with \`zsky-node docs\`.

| code | status | meaning |
|---|---|---|
${rows.join('\n')}
`;
}
