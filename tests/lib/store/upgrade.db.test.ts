import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeHeatmapColumns } from '@/lib/contract/heatmap-columns';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { type ClonedDatabase, createEmptyDatabase } from '@/tests/database';
import {
  countsAt,
  EDGES,
  FINISHED_RUN_ID,
  FIRST_ATTEMPT_STEPS,
  FRAME_POSTS,
  gradientNormAt,
  INFINITY_AT,
  LAYERS,
  lossAt,
  NAN_AT,
  NEWEST_STEP,
  RESUME_STEP,
  RUN_ID,
  RUN_POST,
  UNREPORTED_STEP,
} from '@/tests/fixtures/first-schema/posts';
import { startServers, type TestServers } from '@/tests/servers';

/** A database that the product left when it had its first schema, brought forward and used. */
const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const fixture = fileURLToPath(
  new URL('../../fixtures/first-schema/first-schema.sql', import.meta.url),
);
const FIRST = '20260101000000_init';

let database: ClonedDatabase;
let applied: readonly string[];
let servers: TestServers;

beforeAll(async () => {
  database = await createEmptyDatabase();
  const directory = await mkdtemp(path.join(tmpdir(), 'spikescope-first-schema-'));
  for (const name of ['migration_lock.toml', FIRST]) {
    await cp(path.join(migrations, name), path.join(directory, name), { recursive: true });
  }
  await applyMigrations({ url: database.url, directory });
  await rm(directory, { recursive: true });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(await readFile(fixture, 'utf8'));
  await client.end();
  applied = await applyMigrations({ url: database.url, directory: migrations });
  servers = await startServers({ database });
});

afterAll(async () => {
  await servers.stop();
  await database.drop();
});

const read = async (pathAndQuery: string) => {
  const { status, body } = await servers.get(`/api/v1/runs/${RUN_ID}${pathAndQuery}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

async function readHeatmap(query: string) {
  const response = await servers.api(
    `/api/v1/runs/${RUN_ID}/heatmap?metric=gradient_norm&columns=1000&${query}`,
    { headers: { Accept: 'application/vnd.safetensors' } },
  );
  expect(response.status).toBe(200);
  return decodeHeatmapColumns(new Uint8Array(await response.arrayBuffer()));
}

function expectGradientNorms(
  columns: Awaited<ReturnType<typeof readHeatmap>>,
  attemptOf: (step: number) => number,
): void {
  columns.fromStep.forEach((step, column) => {
    const attempt = attemptOf(step);
    expect(columns.loss[column]).toBe(lossAt(attempt, step));
    for (let layer = 0; layer < LAYERS; layer++) {
      const cell = layer * columns.columnCount + column;
      const isFault = (at: { step: number; layer: number }) =>
        attempt === 1 && at.step === step && at.layer === layer;
      const isLost = isFault(NAN_AT) || isFault(INFINITY_AT);
      const isAbsent = attempt === 1 && step === UNREPORTED_STEP;
      const expected = isLost || isAbsent ? NaN : gradientNormAt(attempt, step, layer);
      expect(columns.values[cell]).toBe(expected);
      expect(columns.nonFinite[cell]).toBe(isLost ? 1 : 0);
    }
  });
}

it('applies every migration since the first', () => {
  expect(applied.length).toBeGreaterThan(1);
  expect(applied).not.toContain(FIRST);
});

it('reads every step, layer and value as they were posted', async () => {
  const effective = await readHeatmap('fromStep=0');
  expect(effective.columnCount).toBe(NEWEST_STEP + 1);
  expectGradientNorms(effective, (step) => (step < RESUME_STEP ? 1 : 2));
  const first = await readHeatmap('attempt=1');
  expect(first.columnCount).toBe(FIRST_ATTEMPT_STEPS);
  expectGradientNorms(first, () => 1);
});

it('reads distributions, scalars, spikes, stages, events and runs', async () => {
  const { items } = await read('/layers/2/distributions?step=70');
  expect(items).toMatchObject([
    {
      step: 70,
      attempt: 1,
      distributions: [
        { kind: 'update', edges: EDGES, counts: countsAt(70, 2), underflow: 2, zeros: 7 },
      ],
    },
  ]);
  const timeline = await read('/timeline?series=loss,throughput&points=1000');
  const [loss, throughput] = timeline.series;
  expect(loss.points).toHaveLength(NEWEST_STEP + 1);
  expect(loss.points[100]).toMatchObject({ fromStep: 100, max: lossAt(2, 100) });
  expect(throughput.points.find((p: { fromStep: number }) => p.fromStep === 90).max).toBe(180);
  expect((await read('/spikes')).items).toMatchObject([
    { id: '1-loss_spike-60', onsetStep: 60, peakValue: 9.5, verdict: 'precursor_found' },
  ]);
  expect((await read('/stages')).items).toMatchObject([
    { layer: 0, stage: 'healthy' },
    { layer: 1, stage: 'healthy' },
    { layer: 2, stage: 'healthy' },
  ]);
  expect((await read('/events')).items).toMatchObject([
    { step: 80, attempt: 2, kind: 'checkpoint', title: 'Resumed from step 80' },
  ]);
  expect(await read('')).toMatchObject({
    name: 'Trained before the upgrade',
    tags: ['fixture', 'ümlaut'],
    config: { seed: 7, note: "it's" },
    status: 'running',
  });
  const { body } = await servers.get('/api/v1/runs?project=fixtures');
  expect(body.items.map(({ id, status }: { id: string; status: string }) => [id, status])).toEqual(
    expect.arrayContaining([
      [RUN_ID, 'running'],
      [FINISHED_RUN_ID, 'finished'],
    ]),
  );
});

it('knows each post of that time as a duplicate', async () => {
  expect((await servers.post(RUN_POST.path, RUN_POST.body)).status).toBe(200);
  for (const { path: to, body } of FRAME_POSTS) {
    const { frames } = body as { frames: unknown[] };
    const reply = await servers.post(to, body);
    expect(reply.body).toMatchObject({ accepted: 0, duplicates: frames.length, rejected: [] });
  }
});

it('looks at the old steps, goes on with new ones, and reads both', async () => {
  await servers.catchUp();
  const step = NEWEST_STEP + 1;
  const next = {
    frames: [{ step, loss: 1, layers: { gradient_norm: [1, 2, 3] } }],
  };
  expect((await servers.post(`/api/v1/runs/${RUN_ID}/frames`, next)).body.accepted).toBe(1);
  const finish = await servers.post(`/api/v1/runs/${RUN_ID}/finish`, { status: 'finished' });
  expect(finish.status).toBe(200);
  const { rows } = await servers.db.pool.query(
    `SELECT attempt, step::int FROM detector_state WHERE run = (SELECT run FROM run WHERE id = $1) ORDER BY 1`,
    [RUN_ID],
  );
  expect(rows.at(-1)).toEqual({ attempt: 2, step });
  const columns = await readHeatmap(`fromStep=${NEWEST_STEP}`);
  expect([...columns.fromStep]).toEqual([NEWEST_STEP, step]);
  expect([...columns.values]).toEqual([
    ...[gradientNormAt(2, NEWEST_STEP, 0), 1],
    ...[gradientNormAt(2, NEWEST_STEP, 1), 2],
    ...[gradientNormAt(2, NEWEST_STEP, 2), 3],
  ]);
});
