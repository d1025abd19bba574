import { parseArgs } from 'node:util';
import { fuzz } from './fuzz/run.js';

const USAGE = `usage: node dist/scripts/fuzz-api.js --url URL --key KEY --other-key KEY [--requests N] [--seed N]

Sends N requests (10000), made from the OpenAPI document that the API at URL serves, in the name of one account, and
looks for 5xx answers, hangs, undocumented statuses and data of the other account, which gets a job first. Raise
ZSKY_API_LIMITS_* of that API, or most requests only meet the limits.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      key: { type: 'string' },
      'other-key': { type: 'string' },
      requests: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const { url, key, 'other-key': otherKey } = values;
  if (url === undefined || key === undefined || otherKey === undefined) {
    console.error(USAGE);
    return 2;
  }
  const word = `secret${Date.now()}`;
  const answer = await fetch(`${url}/v1/images/generate`, {
    method: 'POST',
    headers: { 'x-api-key': otherKey, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: `a lighthouse ${word}` }),
  });
  const { job_id: foreignJobId } = (await answer.json()) as { job_id: string };
  const report = await fuzz({
    url,
    key,
    foreignJobId,
    secrets: [word],
    requests: Number(values.requests),
    seed: Number(values.seed),
    parallel: 8,
  });
  for (const finding of report.findings) console.log(finding);
  console.log(
    `${report.sent} requests, by status: ${JSON.stringify(report.byStatus)}; ${report.findings.length} findings`,
  );
  return report.findings.length === 0 ? 0 : 1;
}

process.exitCode = await main();
