import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
/** Far more than the 64 kB of a pipe. */
const ROWS = 50_000;
const TOKENS = 5_000;
const QUESTION = `SELECT generate_series(1, ${ROWS}) AS n, repeat('x', 20) AS x`;

/** How it is started on the test's database, on which no product runs. */
const tool = (name: string, words: readonly string[]) => ({
  args: ['--import', 'tsx', `workers/launcher/tools/${name}.ts`, ...words],
  env: {
    ...process.env,
    DATABASE_URL: database.url,
    SPIKESCOPE_DATA_DIR: '/nonexistent/spikescope',
  },
});

beforeAll(async () => {
  await database.db.pool.query(
    `INSERT INTO token (id, project, scope, name, secret_hash)
     SELECT 'id' || n, 'lm', 'read', 'node ' || n, sha256(n::text::bytea) FROM generate_series(1, $1) AS n`,
    [TOKENS],
  );
});

describe.each([
  {
    name: 'sql',
    words: ['--format', 'csv', QUESTION],
    ...{ count: ROWS, head: 'n,x', last: `${ROWS},${'x'.repeat(20)}` },
  },
  // Of one moment, they are in the order of their ids.
  { name: 'token', words: ['list'], count: TOKENS, head: 'id ', last: 'node 999' },
])('$name', ({ name, words, count, head, last }) => {
  it('gives a pipe all rows, however slowly it is read', async () => {
    const { args, env } = tool(name, words);
    const asked = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    // Until now nothing was read: the pipe is full, and the tool has all rows.
    await once(asked.stdout, 'readable');
    const [printed, [code]] = await Promise.all([text(asked.stdout), once(asked, 'exit')]);
    const lines = printed.trimEnd().split('\n');
    expect([code, lines.length, lines[0]?.startsWith(head)]).toEqual([0, count + 1, true]);
    expect(lines.at(-1)?.endsWith(last)).toBe(true);
  }, 60_000);

  it('ends in peace when the reader has enough', async () => {
    const { args, env } = tool(name, words);
    const quoted = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const { stdout, stderr } = await promisify(execFile)(
      'bash',
      ['-o', 'pipefail', '-c', `${quoted.join(' ')} | head -n 1`],
      { env },
    );
    expect([stdout.startsWith(head), stdout.split('\n').length, stderr]).toEqual([true, 2, '']);
  }, 60_000);
});
