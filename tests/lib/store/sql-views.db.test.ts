import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { packRows, ROUNDED_BITS, unpackRows } from '@/lib/store/compaction/row-codec';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { compactAll } from '@/tests/lib/store/compaction/compactor';
import { createTestDatabase, type ClonedDatabase } from '@/tests/database';
import { startServers, type TestServers } from '@/tests/servers';

const ID = 'run with "quotes"';
const LAYERS = 3;
const STEPS = 300;
const RESUME = 220;

let database: ClonedDatabase;
let servers: TestServers;
let client: pg.Client;

/** What a float32 can be, in turn; null is "not reported". */
const SPECIAL = [NaN, Infinity, -Infinity, 1e-40, -1e-45, 3.4028234e38, null, -2.5];

function valueAt(attempt: number, step: number, layer: number): number | null {
  if (step % 7 === 3 && layer === 1) {
    const special = SPECIAL[(step >> 3) % SPECIAL.length]!;
    return special === null ? null : Math.fround(special);
  }
  return Math.fround(1 + layer * 0.3 + Math.sin(step / 9) * 0.1 * attempt + step / 1000);
}

async function post(attempt: number, steps: readonly number[]): Promise<void> {
  const { status, body } = await servers.post(`/api/v1/runs/${encodeURIComponent('sql')}/frames`, {
    attempt,
    frames: steps.map((step) => ({
      step,
      loss: 2 + step,
      scalars: { tokens_seen: step * 10 },
      layers: {
        gradient_norm: Array.from({ length: LAYERS }, (_, layer) => {
          const value = valueAt(attempt, step, layer);
          return value === null || Number.isFinite(value) ? value : String(value);
        }),
      },
    })),
  });
  expect({ status, rejected: body.rejected }).toEqual({ status: 200, rejected: [] });
}

const range = (from: number, end: number) =>
  Array.from({ length: end - from }, (_, index) => from + index);

async function rowsOf(sql: string): Promise<[number, number, number, number][]> {
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
  return rows.map(([attempt, step, layer, value]) => [
    Number(attempt),
    Number(step),
    Number(layer),
    // A real is printed with as few digits as tell it apart.
    Math.fround(Number(value)),
  ]);
}

function expectedPoints(layers: readonly number[], fromStep: number, toStep: number) {
  const points: [number, number, number, number][] = [];
  for (const [attempt, from, end] of [
    [1, 0, STEPS],
    [2, RESUME, STEPS],
  ] as const) {
    for (const step of range(Math.max(from, fromStep), Math.min(end, toStep + 1))) {
      for (const layer of layers) {
        const value = valueAt(attempt, step, layer);
        if (value !== null) points.push([attempt, step, layer, value]);
      }
    }
  }
  return points;
}

const pointsOf = (where: string) =>
  rowsOf(`SELECT attempt, step, layer, value FROM spikescope.layer_points
    WHERE run = 'sql' AND metric = 'gradient_norm' AND ${where} ORDER BY attempt, step, layer`);

const seriesOf = (layer: number, words: string) =>
  rowsOf(
    `SELECT attempt, step, ${layer}, value FROM spikescope.layer_series('sql', ${layer}, 'gradient_norm'${words})`,
  );

/** Lays packed blocks out as they are; returns how many there were. */
async function unpack(): Promise<number> {
  const { rows } = await client.query<{
    attempt: number;
    first_step: string;
    step_count: number;
    values: Buffer;
  }>('SELECT attempt, first_step, step_count, "values" FROM metric_block WHERE codec = 1');
  for (const { attempt, first_step: firstStep, step_count: steps, values } of rows) {
    await client.query(
      'UPDATE metric_block SET codec = 0, "values" = $1 WHERE attempt = $2 AND first_step = $3',
      [Buffer.from(unpackRows(values, steps, 0).buffer), attempt, firstStep],
    );
  }
  return rows.length;
}

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const run = {
    id: 'sql',
    project: 'p',
    name: ID,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95 },
    layers: range(0, LAYERS).map((layer) => ({ name: `layer.${layer}`, parameterCount: 10 })),
  };
  await servers.post('/api/v1/runs', run);
  await post(1, range(0, STEPS));
  await servers.post('/api/v1/runs', { ...run, resumeFromStep: RESUME });
  await post(2, range(RESUME, STEPS));
});

afterAll(async () => {
  await client.end();
  await servers.stop();
  await database.drop();
});

async function expectEverything(): Promise<void> {
  expect(await pointsOf('true')).toEqual(expectedPoints([0, 1, 2], 0, STEPS));
  expect(await pointsOf('layer = 1 AND step BETWEEN 190 AND 250')).toEqual(
    expectedPoints([1], 190, 250),
  );
  for (const layer of [0, 1, 2]) {
    const effective = expectedPoints([layer], 0, STEPS).filter(
      ([attempt, step]) => attempt === 2 || step < RESUME,
    );
    expect(await seriesOf(layer, '')).toEqual(effective);
    expect(await seriesOf(layer, ', 63, 64')).toEqual(
      effective.filter(([, step]) => step === 63 || step === 64),
    );
    expect(await seriesOf(layer, ', 0, 1000, 1')).toEqual(
      expectedPoints([layer], 0, STEPS).filter(([attempt]) => attempt === 1),
    );
  }
}

describe('the views for people with SQL', () => {
  it('hold every number of every layer, hot, in blocks and packed', async () => {
    await expectEverything();
    await client.query(`UPDATE run SET status = 'running'`);
    await compactAll(client, runKeyOf('sql'), [1, 2]);
    const { rows } = await client.query<{ blocks: string; hot: string }>(
      'SELECT (SELECT count(*) FROM metric_block) AS blocks, (SELECT count(*) FROM hot_frame) AS hot',
    );
    expect(Number(rows[0]!.blocks)).toBeGreaterThan(3);
    expect(Number(rows[0]!.hot)).toBeGreaterThan(0);
    await expectEverything();
    expect(await unpack()).toBeGreaterThan(3);
    await expectEverything();
  });

  it('say of a layer, a metric or a run that is not there nothing', async () => {
    expect(await seriesOf(LAYERS, '')).toEqual([]);
    expect(await seriesOf(-1, '')).toEqual([]);
    expect(
      await rowsOf(
        `SELECT attempt, step, 0, value FROM spikescope.layer_series('none', 0, 'gradient_norm')`,
      ),
    ).toEqual([]);
    expect(
      await rowsOf(`SELECT attempt, step, 0, value FROM spikescope.layer_series('sql', 0, 'rms')`),
    ).toEqual([]);
  });

  it('tell which attempt counts at a step, and scalars by name', async () => {
    const { rows } = await client.query(
      `SELECT attempt, step, loss, is_effective, s.value AS tokens FROM spikescope.steps
       JOIN spikescope.scalars AS s USING (run, attempt, step)
       WHERE run = 'sql' AND step IN (${RESUME - 1}, ${RESUME}) ORDER BY step, attempt`,
    );
    expect(rows).toEqual([
      { attempt: 1, step: '219', loss: 221, is_effective: true, tokens: 2190 },
      { attempt: 1, step: '220', loss: 222, is_effective: false, tokens: 2200 },
      { attempt: 2, step: '220', loss: 222, is_effective: true, tokens: 2200 },
    ]);
  });

  it('let their reader read them and nothing else', async () => {
    await client.query('BEGIN');
    await client.query('SET LOCAL ROLE spikescope_reader');
    expect(await seriesOf(0, ', 5, 5')).toHaveLength(1);
    expect(await pointsOf('layer = 0 AND step = 5')).toHaveLength(1);
    for (const forbidden of [
      'SELECT FROM public.token',
      'SELECT FROM public.run',
      'DELETE FROM spikescope.runs',
    ]) {
      await client.query('SAVEPOINT before');
      await expect(client.query(forbidden)).rejects.toMatchObject({ code: '42501' });
      await client.query('ROLLBACK TO before');
    }
    await client.query('ROLLBACK');
  });

  it('hold rounded blocks to 2^-10', async () => {
    await client.query(
      `DELETE FROM hot_frame; DELETE FROM metric_block; DELETE FROM metric_rollup; DELETE FROM scalar_rollup; DELETE FROM compaction_state`,
    );
    const values = Float32Array.from(range(0, LAYERS * 64), (index) =>
      index === 70 ? 0 : (1 + index / 500) * (index % 2 === 0 ? 1 : -1),
    );
    new Uint32Array(values.buffer)[130] = MISSING_FLOAT32_BITS;
    await client.query(
      `INSERT INTO metric_block (run, attempt, metric, first_step, span, codec, step_count, step_offsets, "values")
       SELECT run, 1, metric, 0, 64, 2, 64, $1, $2 FROM metric WHERE kind = 'layer' AND name = 'gradient_norm'`,
      [
        Buffer.from(Uint16Array.from(range(0, 64)).buffer),
        Buffer.from(packRows(values, LAYERS, ROUNDED_BITS)!),
      ],
    );
    for (const layer of range(0, LAYERS)) {
      const expected = range(0, 64).filter((step) => layer * 64 + step !== 130);
      for (const points of [
        await seriesOf(layer, ', 0, 63'),
        await pointsOf(`attempt = 1 AND layer = ${layer} AND step < 64`),
      ]) {
        expect(points.map(([, step]) => step)).toEqual(expected);
        for (const [, step, , value] of points) {
          const exact = values[layer * 64 + step]!;
          expect(Math.abs(value - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -10);
        }
      }
    }
  });
});
