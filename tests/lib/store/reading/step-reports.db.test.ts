import { expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { createRun } from '@/lib/store/runs/create-run';
import { findStepReports } from '@/lib/store/reading/step-reports';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from '../compaction/compactor';

const database = useDatabase();

it('shows detectors the same steps before and after they have moved into blocks', async () => {
  const { db, writer, url } = database;
  const { runKey } = await createRun(db, aRun({ id: 'replayed', layerCount: 3 }));
  const post = (step: number, layerOffset: number, layers: Record<string, number[]>) => ({
    runKey,
    attempt: 1,
    layerOffset,
    frame: aFrame(step, { loss: step / 3, scalars: { loss_scale: 2 }, layers }),
  });
  const steps = Array.from({ length: 200 }, (_, step) => step * 2);
  await writer.write([
    ...steps.map((step) => post(step, 0, { gradient_norm: [step, NaN], rms: [1, step] })),
    ...steps.filter((step) => step % 3 === 0).map((step) => post(step, 2, { rms: [-step] })),
    // Scalars alone.
    post(101, 0, {}),
  ]);
  const read = async () => {
    const reports = await findStepReports(db, {
      runKey,
      segment: { attempt: 1, fromStep: 50, toStep: 250 },
      scalars: ['loss', 'loss_scale', 'learning_rate'],
      layerMetrics: ['gradient_norm', 'rms', 'unknown'],
    });
    return reports.map(({ step, scalars, layerMetrics, posts }) => ({
      step,
      scalars: [...scalars],
      posts,
      layers: Array.from(layerMetrics, ([name, column]) => [
        name,
        Array.from(column, (value, layer) =>
          bitsOf(column)[layer] === MISSING_FLOAT32_BITS ? null : value,
        ),
      ]).sort(),
    }));
  };
  const before = await read();
  expect(before).toHaveLength(102);
  expect(before.slice(1, 3)).toEqual([
    {
      step: 52,
      scalars: [
        ['loss', 52 / 3],
        ['loss_scale', 2],
      ],
      posts: [{ layerOffset: 0, layerCount: 2 }],
      layers: [
        ['gradient_norm', [52, NaN, null]],
        ['rms', [1, 52, null]],
      ],
    },
    {
      step: 54,
      scalars: [
        ['loss', 18],
        ['loss_scale', 2],
      ],
      posts: [
        { layerOffset: 0, layerCount: 2 },
        { layerOffset: 2, layerCount: 1 },
      ],
      layers: [
        ['gradient_norm', [54, NaN, null]],
        ['rms', [1, 54, -54]],
      ],
    },
  ]);
  const compact = () => withClient(url, (client) => compactAll(client, runKey));
  await compact();
  const { rows } = await db.pool.query('SELECT min(step) AS step FROM hot_frame WHERE run = $1', [
    runKey,
  ]);
  expect(Number(rows[0].step)).toBeGreaterThan(250);
  expect(await read()).toEqual(before);

  await writer.write([post(52, 2, { rms: [-52] })]);
  const late = await read();
  expect(late[1]!.layers).toEqual([
    ['gradient_norm', [52, NaN, null]],
    ['rms', [1, 52, -52]],
  ]);
  await compact();
  expect(await read()).toEqual(late);
});
