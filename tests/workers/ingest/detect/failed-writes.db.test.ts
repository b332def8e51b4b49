import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { type TestServers, startServers } from '@/tests/servers';
import {
  type RecordedFrames,
  finish,
  postFrames,
  readRecordedFrames,
  withoutHistograms,
} from './recorded-frames';
import { readFindings } from './stored-findings';

let database: ClonedDatabase;
let servers: TestServers;
let operator: pg.Client;
let b: RecordedFrames;
let frames: ReturnType<typeof withoutHistograms>;
let undisturbed: Record<string, unknown[]>;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
  operator = new pg.Client({ connectionString: database.url });
  await operator.connect();
  b = await readRecordedFrames('recorded/B_spontaneous_spike.jsonl.gz');
  frames = withoutHistograms(b.frames);
  await createRun('undisturbed');
  await postFrames(servers, 'undisturbed', frames);
  await finish(servers, 'undisturbed');
  undisturbed = await readFindings(database.url, 'undisturbed');
});
afterAll(async () => {
  await operator.end();
  await servers.stop();
  await database.drop();
});

async function createRun(id: string): Promise<void> {
  expect((await servers.post('/api/v1/runs', { ...b.run, id })).status).toBe(201);
}

async function failedWrites(): Promise<number> {
  const metrics = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
  return Number(/^spikescope_ingest_detection_failed_writes (\d+)/m.exec(metrics)?.[1]);
}

/** Asks until the answer passes: the writes of findings end on their own time. */
async function eventually<T>(ask: () => Promise<T>, passes: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
  }
}

/** Backends of this database that wait for a lock. */
async function blocked(): Promise<number[]> {
  const { rows } = await operator.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.map(({ pid }) => pid);
}

describe('findings that the database would not take', () => {
  it('are written when it does, every one of them', async () => {
    await createRun('refused');
    await operator.query('ALTER TABLE spike ADD CONSTRAINT refused CHECK (false) NOT VALID');
    const before = await failedWrites();
    await postFrames(servers, 'refused', frames.slice(0, 340));
    await eventually(failedWrites, (count) => count > before);
    expect((await readFindings(database.url, 'refused'))['spikes']).toEqual([]);
    await operator.query('ALTER TABLE spike DROP CONSTRAINT refused');
    await postFrames(servers, 'refused', frames.slice(340));
    await finish(servers, 'refused');
    expect(await readFindings(database.url, 'refused')).toEqual(undisturbed);
  });

  it('are written by themselves where nobody posts any more', async () => {
    await createRun('quiet');
    await operator.query('ALTER TABLE spike ADD CONSTRAINT refused CHECK (false) NOT VALID');
    const before = await failedWrites();
    await postFrames(servers, 'quiet', frames.slice(0, 340));
    await eventually(failedWrites, (count) => count > before);
    await operator.query('ALTER TABLE spike DROP CONSTRAINT refused');
    const found = await eventually(
      async () => (await readFindings(database.url, 'quiet'))['spikes']!,
      (spikes) => spikes.length > 0,
    );
    expect(found).toContainEqual(expect.objectContaining({ kind: 'loss_spike', rise_step: 318 }));
  });

  it('are written after the connection that wrote them was ended', async () => {
    await createRun('terminated');
    await operator.query('BEGIN');
    await operator.query('LOCK TABLE spike IN ACCESS EXCLUSIVE MODE');
    const before = await failedWrites();
    await postFrames(servers, 'terminated', frames.slice(0, 340));
    const [writer] = await eventually(blocked, (pids) => pids.length > 0);
    await operator.query('SELECT pg_terminate_backend($1)', [writer]);
    await eventually(failedWrites, (count) => count > before);
    await operator.query('COMMIT');
    await postFrames(servers, 'terminated', frames.slice(340));
    await finish(servers, 'terminated');
    expect(await readFindings(database.url, 'terminated')).toEqual(undisturbed);
  });
});

describe('a run that is deleted', () => {
  /** Rows of the run in every table that has any of runs. */
  async function rowsOf(runKey: string): Promise<string[]> {
    const { rows } = await operator.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.columns
       JOIN information_schema.tables USING (table_schema, table_name)
       WHERE table_schema = 'public' AND column_name = 'run' AND table_type = 'BASE TABLE'`,
    );
    const held: string[] = [];
    for (const { name } of rows) {
      const found = await operator.query(`SELECT 1 FROM "${name}" WHERE run = $1 LIMIT 1`, [
        runKey,
      ]);
      if (found.rows.length > 0) held.push(name);
    }
    return held;
  }

  async function keyOf(id: string): Promise<string> {
    const { rows } = await operator.query<{ run: string }>(`SELECT run FROM run WHERE id = $1`, [
      id,
    ]);
    return rows[0]!.run;
  }

  it('while its findings are being written leaves nothing behind', async () => {
    await createRun('held');
    const runKey = await keyOf('held');
    await operator.query('BEGIN');
    await operator.query('LOCK TABLE spike IN ACCESS EXCLUSIVE MODE');
    await postFrames(servers, 'held', frames.slice(0, 340));
    await eventually(blocked, (pids) => pids.length > 0);
    const deletion = servers.api('/api/v1/runs/held', { method: 'DELETE' });
    await eventually(blocked, (pids) => pids.length > 1);
    await operator.query('COMMIT');
    expect((await deletion).status).toBe(200);
    expect(await rowsOf(runKey)).toEqual([]);
  });

  it('while it posts leaves nothing behind', async () => {
    await createRun('posting');
    const runKey = await keyOf('posting');
    const posts = postFrames(servers, 'posting', frames, { batch: 8 }).catch(
      (error: unknown) => error,
    );
    await eventually(
      async () => (await readFindings(database.url, 'posting'))['stages']!,
      (stages) => stages.length > 0,
    );
    const { status } = await servers.api('/api/v1/runs/posting', { method: 'DELETE' });
    expect(status).toBe(200);
    expect(String(await posts)).toContain('run_not_found');
    // Detection of another run goes on, and what it held of this one is not written later.
    await createRun('next');
    await postFrames(servers, 'next', frames.slice(0, 100));
    await finish(servers, 'next');
    expect(await rowsOf(runKey)).toEqual([]);
  });
});
