import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const resolve = { alias: { '@': root } };
/** A second, which is what `expect.poll` waits by itself, is not long on a machine that is busy. */
const expectOptions = { poll: { timeout: 60_000 } };

/**
 * unit      pure code, no process, no database
 * database  real PostgreSQL: one embedded server a run, one cloned database a test file
 * e2e       the built product and a real browser
 */
export default defineConfig({
  resolve,
  test: {
    projects: [
      {
        resolve,
        test: {
          name: 'unit',
          expect: expectOptions,
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: ['tests/**/*.db.test.ts', 'tests/e2e/**'],
          environment: 'node',
          // Milliseconds of work each; a busy machine may take far longer to begin with it.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,
        test: {
          name: 'database',
          expect: expectOptions,
          include: ['tests/**/*.db.test.ts'],
          globalSetup: ['tests/database-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
        },
      },
      {
        resolve,
        test: {
          name: 'e2e',
          expect: expectOptions,
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 480_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
          fileParallelism: false,
        },
      },
    ],
  },
});
