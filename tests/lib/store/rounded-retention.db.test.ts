/** Rounding and retention of one run: each finds what the other has left. */
import { expect, it } from 'vitest';
import { readHeatmap } from '@/lib/query/read-heatmap';
import { createRun } from '@/lib/store/runs/create-run';
import { finishRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from './compaction/compactor';
import { readRounding, receive, roundAll, TOLERANCE } from './compaction/rounder';
import { readStored } from './compaction/stored-attempt';
import { CUTOFF, OLD, retain } from './retention-run';

const database = useDatabase();
const LAYERS = 3;
const STEPS = 4096;
const LATE = 700;

const valueOf = (step: number, layer: number): number =>
  Math.fround((1 + Math.sin(step * 1.7) / 4) * 10 ** layer);

async function write(runKey: string, steps: readonly number[], scale = 1): Promise<void> {
  const layers = Array.from({ length: LAYERS }, (_, layer) => layer);
  const outcomes = await database.writer.write(
    steps.map((step) => ({
      ...{ runKey, attempt: 1, layerOffset: 0 },
      frame: aFrame(step, {
        loss: 1,
        layers: { m: layers.map((it) => scale * valueOf(step, it)) },
      }),
    })),
  );
  expect(outcomes.filter((outcome) => outcome !== 'stored')).toEqual([]);
}

it.each(['rounding', 'retention'])('stand beside each other, %s first', async (first) => {
  const id = `both-${first}`;
  const { runKey } = await createRun(database.db, aRun({ id, layerCount: LAYERS }));
  const steps = Array.from({ length: STEPS }, (_, step) => step);
  await write(
    runKey,
    steps.filter((step) => step !== LATE),
  );
  await finishRun(database.db, id, 'finished', OLD);
  const work = {
    compact: () => withClient(database.url, (client) => compactAll(client, runKey)),
    round: () => withClient(database.url, (client) => roundAll(client, runKey, CUTOFF)),
    retain: () => withClient(database.url, (client) => retain(client, runKey)),
  };
  const read = async (reduce: 'max' | 'min' | 'mean') => {
    const query = { attempt: 'effective' as const, metric: 'm', columns: STEPS / 16, reduce };
    const { values } = await readHeatmap(database.db, id, query);
    return Array.from(values);
  };
  const expectNear = async (before: Readonly<Record<string, number[]>>) => {
    for (const reduce of ['max', 'min', 'mean'] as const) {
      const wanted = before[reduce]!;
      const found = await read(reduce);
      expect(found).toHaveLength(wanted.length);
      const wrong = found.filter(
        (value, at) =>
          !(Math.abs(value - wanted[at]!) <= Math.abs(wanted[at]!) * 1.001 * TOLERANCE),
      );
      expect(wrong).toEqual([]);
    }
  };

  await work.compact();
  await receive(database.db, runKey, OLD);
  const before = { max: await read('max'), min: await read('min'), mean: await read('mean') };
  if (first === 'rounding') {
    await work.round();
    await work.retain();
  } else {
    await work.retain();
    await work.round();
  }
  expect((await readStored(database.db, runKey, 1)).blocks).toEqual([]);
  const { rollups } = await readRounding(database.db, runKey);
  expect(rollups.filter((name) => /^0\/\d+\/2$/.test(name))).toHaveLength(4);
  await expectNear(before);

  // A step of which nothing but the rows is left comes after all, and stands out.
  await write(runKey, [LATE], 50);
  await work.compact();
  await receive(database.db, runKey, OLD);
  await work.round();
  const bucket = Math.floor(LATE / 16);
  const max = await read('max');
  for (let layer = 0; layer < LAYERS; layer++) {
    const peak = max[layer * (STEPS / 16) + bucket]!;
    expect(Math.abs(peak / (50 * valueOf(LATE, layer)) - 1)).toBeLessThanOrEqual(TOLERANCE);
  }
  const others = (values: readonly number[]): number[] =>
    values.filter((_, at) => at % (STEPS / 16) !== bucket);
  const wrong = others(max).filter(
    (value, at) => Math.abs(value / others(before.max)[at]! - 1) > TOLERANCE,
  );
  expect(wrong).toEqual([]);
});
