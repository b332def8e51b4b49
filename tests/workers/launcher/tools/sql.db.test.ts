import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const ROWS = 50_000;
const QUESTION = `SELECT generate_series(1, ${ROWS}) AS n, repeat('x', 20) AS x`;

const tool = () => ({
  args: ['--import', 'tsx', 'workers/launcher/tools/sql.ts', '--format', 'csv', QUESTION],
  env: {
    ...process.env,
    DATABASE_URL: database.url,
    SPIKESCOPE_DATA_DIR: '/nonexistent/spikescope',
  },
});

it('gives a pipe all rows, however slowly it is read', async () => {
  const { args, env } = tool();
  const asked = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  // Until now nothing was read: the pipe is full, and the tool has all rows.
  await once(asked.stdout, 'readable');
  const [printed, [code]] = await Promise.all([text(asked.stdout), once(asked, 'exit')]);
  const lines = printed.trimEnd().split('\n');
  expect([code, lines.length, lines.at(-1)]).toEqual([0, ROWS + 1, `${ROWS},${'x'.repeat(20)}`]);
}, 60_000);

it('ends in peace when the reader has enough', async () => {
  const { args, env } = tool();
  const quoted = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['-o', 'pipefail', '-c', `${quoted.join(' ')} | head -n 1`],
    { env },
  );
  expect([stdout, stderr]).toEqual(['n,x\n', '']);
}, 60_000);
