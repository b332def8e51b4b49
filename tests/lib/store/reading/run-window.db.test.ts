import { expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { findReadableRun, type ReadableRun } from '@/lib/store/reading/readable-run';
import { findRunWindow, type RunWindow } from '@/lib/store/reading/run-window';
import type { RowReader } from '@/lib/store/postgres/snapshot';
import { findStepWindow, type WindowQuery } from '@/lib/store/reading/step-window';
import { deleteRun } from '@/lib/store/runs/runs';
import { selectSegments } from '@/lib/store/runs/trajectory';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from '../compaction/compactor';

const database = useDatabase();

/** Reads of `ratio_std` of the trajectory, with the round trips that they took. */
function reader(runKey: string) {
  const { db } = database;
  let trips = 0;
  const counting: RowReader = {
    ...db,
    readAll: (queries) => {
      trips++;
      return db.readAll(queries);
    },
  };
  const ask = (run: ReadableRun): WindowQuery => {
    const metricId = run.names.layer.get('ratio_std');
    if (metricId === undefined) throw new Error('the run has no ratio_std');
    const query = { fromStep: 0, toStep: Number.MAX_SAFE_INTEGER };
    return {
      segments: selectSegments(run, 'effective', query),
      columns: [],
      maxSteps: 10,
      metricId,
    };
  };
  return async (): Promise<{ trips: number; found: RunWindow }> => {
    trips = 0;
    const found = await findRunWindow(counting, runKey, ask);
    const run = await findReadableRun(db, runKey);
    expect(found?.run).toEqual(run);
    expect(found?.window).toEqual(await findStepWindow(db, run!, ask(run!)));
    return { trips, found: found! };
  };
}

it('takes one round trip of a run that is as it was, two after it has changed', async () => {
  const { db, writer, url } = database;
  const { runKey } = await createRun(db, aRun({ id: 'remembered', layerCount: 2 }));
  const read = reader(runKey);
  const post = async (attempt: number, first: number, layers: Record<string, number[]>) => {
    await writer.write(
      Array.from({ length: 100 }, (_, index) => ({
        runKey,
        attempt,
        layerOffset: 0,
        frame: aFrame(first + index, { loss: 1, layers }),
      })),
    );
  };

  await post(1, 0, { gradient_norm: [1, 2] });
  await expect(read()).rejects.toThrow('the run has no ratio_std');
  await post(1, 100, { ratio_std: [1, 2] });
  // What was known then has no such metric: nothing is guessed.
  expect((await read()).trips).toBe(2);
  expect((await read()).trips).toBe(1);

  // More of the same changes no query, and is seen.
  await post(1, 200, { ratio_std: [1, 2] });
  const { trips, found } = await read();
  expect(trips).toBe(1);
  expect(found.window.parts).toMatchObject([{ firstStep: 0, lastStep: 299, blocksTo: 0 }]);

  await withClient(url, (client) => compactAll(client, runKey));
  const compacted = await read();
  expect(compacted.trips).toBe(2);
  expect(compacted.found.window.parts[0]?.blocksTo).toBeGreaterThan(0);
  expect((await read()).trips).toBe(1);

  await createRun(db, aRun({ id: 'remembered', layerCount: 2, resumeFromStep: 150 }));
  await post(2, 150, { ratio_std: [1, 2] });
  const resumed = await read();
  expect(resumed.trips).toBe(2);
  expect(resumed.found.window.parts).toMatchObject([
    { attempt: 1, lastStep: 149 },
    { attempt: 2, firstStep: 150, lastStep: 249 },
  ]);
  expect((await read()).trips).toBe(1);
});

it('counts the steps of a window anew where its run is another one under the same id', async () => {
  const { db, writer } = database;
  const create = async (stepCount: number): Promise<string> => {
    const { runKey } = await createRun(db, aRun({ id: 'again', layerCount: 2 }));
    await writer.write(
      Array.from({ length: stepCount }, (_, step) => ({
        ...{ runKey, attempt: 1, layerOffset: 0 },
        frame: aFrame(step, { loss: 1, layers: { ratio_std: [1, 2] } }),
      })),
    );
    return runKey;
  };
  const read = reader(await create(20));
  for (let time = 0; time < 3; time++) expect((await read()).found.window.steps).toBeNull();
  await deleteRun(db, 'again');
  await create(3);
  for (let time = 0; time < 3; time++) {
    expect((await read()).found.window.steps?.map(({ step }) => step)).toEqual([0, 1, 2]);
  }
});

it('answers what was asked besides, and null where there is no run, however often', async () => {
  const { db } = database;
  const { runKey } = await createRun(db, aRun({ id: 'beside' }));
  const answers: number[] = [];
  const other = {
    sql: 'SELECT 7::int4',
    values: [],
    onRow: (row: { int4(field: number): number }) => answers.push(row.int4(0)),
  };
  const nothing = (): WindowQuery => ({ segments: [], columns: [], maxSteps: 1, metricId: null });
  for (const key of [runKey, runKey, '00000000-0000-8000-8000-000000000000']) {
    const found = await findRunWindow(db, key, nothing, [other]);
    expect(found?.run.id ?? null).toBe(key === runKey ? 'beside' : null);
  }
  expect(answers).toEqual([7, 7, 7]);
});
