import { describe, expect, it } from 'vitest';
import type { Frame } from '@/lib/contract/frame';
import { planExport } from '@/lib/query/export/plan-export';
import { readHeatmap } from '@/lib/query/read-heatmap';
import { createRun } from '@/lib/store/runs/create-run';
import { replaceLayerMetrics } from '@/lib/store/writing/replace-metrics';
import { deleteRun, finishRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from './compaction/compactor';
import { copyRun, runUntilCrash, summaryOf } from './compaction/cut-off';
import { readStored } from './compaction/stored-attempt';
import { CUTOFF, OLD, retain, totalsOf, YOUNG } from './retention-run';

const database = useDatabase();
const LAYERS = 2;

const frameOf = (step: number, value = step): Frame =>
  aFrame(step, { loss: 1, layers: { m: [value, -value] } });

async function write(runKey: string, frames: readonly Frame[], layerOffset = 0): Promise<void> {
  const posts = frames.map((frame) => ({ runKey, attempt: 1, layerOffset, frame }));
  const outcomes = await database.writer.write(posts);
  expect(new Set(outcomes)).toEqual(new Set(['stored']));
}

const stepsTo = (end: number): number[] => Array.from({ length: end }, (_, step) => step);

/** A run whose steps below `oldBelow` are old, compacted. */
async function anOldRun(id: string, end: number, oldBelow: number): Promise<string> {
  const { runKey } = await createRun(database.db, aRun({ id, layerCount: LAYERS }));
  await write(
    runKey,
    stepsTo(end).map((step) => frameOf(step)),
  );
  await age(runKey, oldBelow);
  await withClient(database.url, (client) => compactAll(client, runKey));
  return runKey;
}

async function age(runKey: string, oldBelow: number): Promise<void> {
  await database.db.pool.query(
    `UPDATE step SET received_at = CASE WHEN step < $2 THEN $3::timestamptz ELSE $4 END WHERE run = $1`,
    [runKey, oldBelow, OLD, YOUNG],
  );
}

async function addSpike(runKey: string, step: number): Promise<void> {
  await database.db.pool.query(
    `INSERT INTO spike (run, id, attempt, kind, onset_step, recovery, first_movers, verdict)
     VALUES ($1, $2, 1, 'loss', $3, 'open', '[]', 'insufficient_data')`,
    [runKey, `at-${step}`, step],
  );
}

async function gapsOf(runKey: string): Promise<[metric: number, from: number, end: number][]> {
  const { rows } = await database.db.pool.query<{ metric: number; from: string; end: string }>(
    `SELECT metric, from_step AS from, end_step AS "end" FROM raw_gap WHERE run = $1 ORDER BY metric, from_step`,
    [runKey],
  );
  return rows.map(({ metric, from, end }) => [metric, Number(from), Number(end)]);
}

const retained = (runKey: string, options: Parameters<typeof retain>[2] = {}) =>
  withClient(database.url, (client) => retain(client, runKey, options));

function read(id: string, columns: number, range: { fromStep?: number; toStep?: number } = {}) {
  const query = { attempt: 'effective' as const, metric: 'm', columns, reduce: 'max' as const };
  return readHeatmap(database.db, id, { ...query, ...range });
}

describe('retention', () => {
  it('lets old steps go but for those around a spike, whole blocks of them', async () => {
    const runKey = await anOldRun('around', 5000, 4500);
    await addSpike(runKey, 2000);
    const released = await retained(runKey);
    // 1500…2500 in blocks of 64: 1472 to 2560. From 4096 on no row of 1,024 steps is sealed.
    expect(await gapsOf(runKey)).toEqual([
      [0, 0, 1472],
      [0, 2560, 4096],
    ]);
    expect(totalsOf(released)['raw']![0]).toBe(1472 + 1536);
    const inside = await read('around', 100, { fromStep: 1950, toStep: 1999 });
    expect([...inside.values.subarray(0, 50)]).toEqual(stepsTo(2000).slice(1950));
    const mixed = await read('around', 100, { fromStep: 1450, toStep: 1480 });
    // Buckets of 16 up to 1472, of which the first is cut by the window, then steps.
    expect([...mixed.fromStep]).toEqual([1450, 1456, ...stepsTo(1481).slice(1472)]);
    expect([...mixed.toStep]).toEqual([1455, 1471, ...stepsTo(1481).slice(1472)]);
    expect([...mixed.values.subarray(0, 4)]).toEqual([1455, 1471, 1472, 1473]);
  });

  it('tells readers of SQL and of exports which steps are gone, and makes none up', async () => {
    const runKey = await anOldRun('told', 3000, 3000);
    await addSpike(runKey, 1000);
    await retained(runKey);
    const { rows } = await database.db.pool.query(
      `SELECT run, attempt, metric, from_step, to_step FROM spikescope.raw_gaps WHERE run = 'told' ORDER BY from_step`,
    );
    expect(rows).toEqual([
      { run: 'told', attempt: 1, metric: 'm', from_step: '0', to_step: '447' },
      { run: 'told', attempt: 1, metric: 'm', from_step: '1536', to_step: '2047' },
    ]);
    const points = await database.db.pool.query<{ step: string }>(
      `SELECT step FROM spikescope.layer_points WHERE run = 'told' AND metric = 'm' AND layer = 0 AND step IN (10, 447, 448, 1600, 2500)
       UNION ALL SELECT step FROM spikescope.layer_series('told', 0, 'm', 1530, 1540) ORDER BY step`,
    );
    expect(points.rows.map(({ step }) => Number(step))).toEqual([
      448, 1530, 1531, 1532, 1533, 1534, 1535, 2500,
    ]);
    const plan = await planExport(database.db, 'told', {
      kind: 'layers',
      format: 'csv',
      fromStep: 100,
      toStep: 2000,
    });
    expect(plan.gaps).toBe('100-447,1536-2000');
    let exported = 0;
    for await (const batch of plan.batches()) exported += batch.rowCount;
    expect(exported).toBe((1536 - 448) * LAYERS);
    const steps = await planExport(database.db, 'told', { kind: 'steps', format: 'csv' });
    expect([steps.gaps, steps.total]).toEqual([null, 3000]);
  });

  it('tells an export that has begun what goes before its end', async () => {
    const runKey = await anOldRun('meanwhile', 3000, 3000);
    const query = { kind: 'layers', format: 'csv' } as const;
    const plan = await planExport(database.db, 'meanwhile', query);
    expect([plan.gaps, await plan.findGaps()]).toEqual([null, null]);
    await retained(runKey);
    let exported = 0;
    for await (const batch of plan.batches()) exported += batch.rowCount;
    expect(exported).toBe((3000 - 2048) * LAYERS);
    expect(await plan.findGaps()).toBe('0-2047');
  });

  it('keeps what the policy keeps', async () => {
    const runKey = await anOldRun('kept', 2200, 2200);
    const cutoffs = { raw: null, distributions: CUTOFF, samples: CUTOFF };
    expect(await retained(runKey, { cutoffs })).toEqual([]);
    expect(await retained(runKey, { cutoffs: { ...cutoffs, raw: new Date(0) } })).toEqual([]);
    expect(await gapsOf(runKey)).toEqual([]);
  });

  it('adds a late post to the rollups of steps that are gone', async () => {
    const runKey = await anOldRun('late', 3000, 3000);
    await retained(runKey);
    expect(await gapsOf(runKey)).toEqual([[0, 0, 2048]]);
    const before = await read('late', 1, { fromStep: 0, toStep: 1023 });
    expect(before.values[0]).toBe(1023);
    // Of the second layer alone, at a step that was never posted for it.
    await database.db.pool.query('DELETE FROM frame WHERE run = $1 AND step = 500', [runKey]);
    await write(runKey, [{ ...aFrame(500, { layers: { m: [9000] } }), layerCount: 1 }], 1);
    const answers = async () => {
      const [whole, bucket, other] = [
        await read('late', 1, { fromStep: 0, toStep: 1023 }),
        await read('late', 10, { fromStep: 496, toStep: 511 }),
        await read('late', 10, { fromStep: 512, toStep: 527 }),
      ];
      return [whole, bucket, other].map(({ values }) => [...values]);
    };
    const expected = [
      [1023, 9000],
      [511, 9000],
      [527, -512],
    ];
    expect(await answers()).toEqual(expected);
    await withClient(database.url, (client) => compactAll(client, runKey));
    const { rows } = await database.db.pool.query(
      `SELECT (SELECT count(*) FROM hot_frame WHERE run = $1 AND step < 2048)::int AS hot,
        (SELECT count(*) FROM metric_block WHERE run = $1 AND first_step < 2048)::int AS blocks`,
      [runKey],
    );
    expect(rows).toEqual([{ hot: 0, blocks: 0 }]);
    expect(await answers()).toEqual(expected);
    const series = await read('late', 1);
    expect([...series.values]).toEqual([2999, 9000]);
  });

  it('leaves out replacements of steps that are gone, and counts them', async () => {
    const runKey = await anOldRun('replaced', 2200, 1024);
    await retained(runKey);
    const replacement = (step: number) => ({
      step,
      layerOffset: 0,
      layerCount: LAYERS,
      layerMetrics: new Map([['m', Float32Array.of(7e5, 7e5)]]),
    });
    const leftOut = await replaceLayerMetrics(database.db, runKey, 1, [100, 1500].map(replacement));
    expect(leftOut).toBe(1);
    await withClient(database.url, (client) => compactAll(client, runKey));
    expect((await read('replaced', 1, { toStep: 1023 })).values[0]).toBe(1023);
    expect((await read('replaced', 1, { fromStep: 1024 })).values[0]).toBe(7e5);
  });

  it('cut off at any query goes on to the same state, and loses nothing between', async () => {
    const source = await anOldRun('cut-off', 2600, 2300);
    await addSpike(source, 700);
    const whole = await copyRun(database.db, source);
    const blocksOf = async (runKey: string) =>
      (await readStored(database.db, runKey, 1)).blocks.map(({ firstStep }) => firstStep);
    const all = await blocksOf(whole);
    let queries = 0;
    await runUntilCrash(
      database.url,
      Infinity,
      (client) => retain(client, whole),
      (number) => (queries = number),
    );
    const expected = summaryOf(await readStored(database.db, whole, 1));
    const gaps = await gapsOf(whole);
    expect(gaps.length).toBeGreaterThan(0);
    expect(queries).toBeGreaterThan(10);
    for (let n = 1; n <= queries; n++) {
      const copy = await copyRun(database.db, source);
      expect(await runUntilCrash(database.url, n, (client) => retain(client, copy))).toBe(true);
      // Whoever is still carrying out what was sent holds the lock of the attempt.
      await withClient(database.url, (client) =>
        client.query('SELECT 1 FROM compaction_state WHERE run = $1 FOR UPDATE', [copy]),
      );
      const left = await blocksOf(copy);
      const gone = await gapsOf(copy);
      const isGone = (step: number) => gone.some(([, from, end]) => step >= from && step < end);
      expect(all.filter((step) => left.includes(step) === isGone(step))).toEqual([]);
      await retained(copy);
      expect(summaryOf(await readStored(database.db, copy, 1))).toBe(expected);
      expect(await gapsOf(copy)).toEqual(gaps);
    }
  }, 120_000);

  it('goes on beside posts and compaction, none of which waits for it', async () => {
    const runKey = await anOldRun('beside', 6000, 6000);
    let isRetaining = true;
    const retaining = withClient(database.url, async (client) => {
      const released = [];
      // Until it has met posts of every kind.
      for (let round = 0; round < 20; round++) released.push(...(await retain(client, runKey)));
      isRetaining = false;
      return released;
    });
    const compacting = withClient(database.url, async (client) => {
      while (isRetaining) await compactAll(client, runKey);
    });
    let next = 6000;
    while (isRetaining || next < 6200) {
      await write(runKey, [frameOf(next)]);
      next++;
    }
    const released = await retaining;
    await compacting;
    expect(totalsOf(released)['raw']![0]).toBeGreaterThanOrEqual(4096);
    const answer = await read('beside', 1);
    expect([answer.values[0], answer.values[1]]).toEqual([next - 1, -0]);
    expect(answer.toStep[0]).toBe(next - 1);
  }, 60_000);

  it('takes a run that is deleted for one of which nothing is left', async () => {
    const runKey = await anOldRun('deleted', 3000, 3000);
    await retained(runKey);
    expect(await gapsOf(runKey)).not.toEqual([]);
    await finishRun(database.db, 'deleted', 'finished', YOUNG);
    await deleteRun(database.db, 'deleted');
    expect(await retained(runKey)).toEqual([]);
    expect(await gapsOf(runKey)).toEqual([]);
  });
});

describe('retention of histograms and samples', () => {
  const histogram = {
    edges: Float32Array.of(-1, 0, 1),
    counts: Uint32Array.of(1, 2, 3, 4),
    outside: new Uint32Array(8),
  };

  it('goes by their own ages, and keeps histograms around spikes', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'shapes', layerCount: LAYERS }));
    const steps = stepsTo(300).map((index) => index * 10);
    await write(
      runKey,
      steps.map((step) =>
        aFrame(step, { layers: { m: [1, 2] }, histograms: { ratio: histogram } }),
      ),
    );
    await database.db.pool.query(
      `INSERT INTO sample_frame (run, attempt, step, layer_offset, layer_count, sample_count, gradient_type,
         first_moment_type, second_moment_type, gradient, first_moment, second_moment)
       SELECT $1, 1, step, 0, 1, 1, 'F32', 'F32', 'F32', '\\x00000000', '\\x00000000', '\\x00000000'
       FROM unnest('{10,20,2900}'::bigint[]) AS step`,
      [runKey],
    );
    await age(runKey, 2000);
    await addSpike(runKey, 0);
    const kept = { raw: null, distributions: null, samples: null };
    const samples = await retained(runKey, { cutoffs: { ...kept, samples: CUTOFF } });
    expect(totalsOf(samples)).toEqual({ samples: [2, 2, expect.any(Number)] });
    const dry = await retained(runKey, { isDryRun: true });
    const shapes = await retained(runKey, { cutoffs: { ...kept, distributions: CUTOFF } });
    expect(totalsOf(shapes)).toEqual(totalsOf(dry));
    expect(totalsOf(shapes)).toEqual({ distributions: [149, 149, expect.any(Number)] });
    const { rows } = await database.db.pool.query<{ step: string }>(
      'SELECT step FROM histogram_frame WHERE run = $1 ORDER BY step',
      [runKey],
    );
    expect(rows.map(({ step }) => Number(step))).toEqual(
      steps.filter((step) => step <= 500 || step >= 2000),
    );
    expect(await gapsOf(runKey)).toEqual([
      [-2, 10, 21],
      [-1, 510, 1991],
    ]);
    expect(await retained(runKey)).toEqual([]);
  });
});
