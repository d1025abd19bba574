import { execFileSync } from 'node:child_process';
import { PROJECT_ROOT } from '../../core/paths.js';

/** System tests start the built programs, so what is built must be what is tested. */
export default function build(): void {
  execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: PROJECT_ROOT, stdio: 'inherit' });
}
