/**
 * Holds the tree to .dependency-cruiser.cjs, and fails when suspiciously few modules were seen: a rule that
 * looks at nothing is always kept.
 */
import { execFileSync } from 'node:child_process';

const MINIMUM_MODULES = 200;
const folders = ['api', 'core', 'daemon', 'models', 'pipelines', 'safety', 'scripts'];
const args = ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...folders];
try {
  const report = execFileSync('npx', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const seen = Number(/\((\d+) modules/.exec(report)?.[1] ?? 0);
  if (seen < MINIMUM_MODULES) {
    console.error(
      `only ${seen} modules were looked at, expected at least ${MINIMUM_MODULES}: are the folders right?`,
    );
    process.exit(1);
  }
  console.log(`dependency rules kept by ${seen} modules`);
} catch (error) {
  console.error(error.stdout ?? error.message);
  process.exit(1);
}
