import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', 'dist/**', '.cache/**'];

/** Two projects: `unit` runs sources as they are; `system` starts real programs, so it builds them first. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...exclude, 'tests/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts'],
          exclude,
          globalSetup: ['tests/setup/build.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
