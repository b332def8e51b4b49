import { beforeAll, describe, expect, it } from 'vitest';
import {
  recurringBatchesReplySchema,
  recurringBatchesSchema,
} from '@/lib/contract/recurring-batches';
import { readRecurringBatches } from '@/lib/query/read-recurring-batches';
import { createRun } from '@/lib/store/runs/create-run';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

interface Order {
  readonly config: Record<string, string | number>;
  readonly lastStep?: number;
  /** Onset → the batch that it read; null: not posted. */
  readonly events: Readonly<Record<number, number | null>>;
}

const shuffled = { data_order: 'v1' };
const RUNS: Readonly<Record<string, Order>> = {
  a: { config: shuffled, events: { 919: 12, 2374: null, 3000: null } },
  b: { config: shuffled, events: { 920: 12, 2374: 7, 4000: null } },
  c: { config: shuffled, events: { 919: 12, 2374: 8 } },
  short: { config: shuffled, lastStep: 1000, events: { 500: null } },
  other: { config: { data_order: 'v2' }, events: { 919: null } },
  seed1: { config: { dataset: 'c4', data_seed: 1 }, events: { 60: null } },
  seed1again: { config: { dataset: 'c4', data_seed: 1 }, events: { 70: null } },
  seed2: { config: { dataset: 'c4', data_seed: 2 }, events: { 60: null } },
  half: { config: { dataset: 'c4' }, events: { 60: null } },
};

beforeAll(async () => {
  const { db } = database;
  for (const [id, { config, lastStep = 5000, events }] of Object.entries(RUNS)) {
    const { runKey } = await createRun(db, aRun({ id, config }));
    await db.prisma.metric.create({
      data: { runKey, kind: 'scalar', metricId: 7, name: 'batch_id' },
    });
    const steps = new Map<number, number | null>([
      [1, null],
      [lastStep, null],
      ...Object.entries(events).map(([step, batch]) => [Number(step), batch] as const),
    ]);
    for (const [step, batch] of steps) {
      await db.pool.query(
        `INSERT INTO step (run, attempt, step, scalar_ids, scalar_values) VALUES ($1, 1, $2, $3, $4)`,
        [runKey, step, batch === null ? [] : [7], batch === null ? [] : [batch]],
      );
    }
    await db.prisma.spike.createMany({
      data: Object.keys(events).map((step) => ({
        ...{ runKey, id: `1-outlier_batch-${step}`, attempt: 1, kind: 'outlier_batch' },
        ...{ onsetStep: BigInt(step), recovery: 'fast', firstMovers: [] },
        verdict: 'insufficient_data',
      })),
    });
  }
});

const read = async (query: Record<string, string> = {}) =>
  recurringBatchesReplySchema.parse(
    await readRecurringBatches(database.db, recurringBatchesSchema.parse(query)),
  );

describe('recurring batches', () => {
  it('are steps at which runs of one data order have an event, and how likely that is by chance', async () => {
    const reply = await read();
    expect(reply).toMatchObject({ within: 1, runCount: 9, orderedRunCount: 8 });
    expect(reply.items.map(({ settings, runs }) => [settings, runs.length])).toEqual([
      [{ data_order: 'v1' }, 4],
      [{ dataset: 'c4', data_seed: '1' }, 2],
    ]);
    const [first, second] = reply.items;
    expect(second!.items).toEqual([]);
    expect(first!.placeCount).toBe(5);
    expect(
      first!.items.map(({ fromStep, toStep, runCount, watchedCount }) => ({
        ...{ fromStep, toStep, runCount, watchedCount },
      })),
    ).toEqual([
      { fromStep: 2374, toStep: 2374, runCount: 3, watchedCount: 3 },
      { fromStep: 919, toStep: 920, runCount: 3, watchedCount: 4 },
    ]);
    // Shares of steps within one of an event: 9, 9 and 6 of 5,000.
    const mean = (0.0018 + 0.0018 + 0.0012) / 3;
    expect(first!.items[0]!.tail).toBeCloseTo(mean ** 2, 12);
    expect(first!.items[0]!.expected).toBeCloseTo(5 * mean ** 2, 12);
    expect(first!.pairCount).toBe(6);
    expect(first!.expectedPairs).toBeLessThan(0.1);
  });

  it('say whether the batch was the same where runs posted which it was', async () => {
    const [order] = (await read()).items;
    const at = (step: number) => order!.items.find(({ fromStep }) => fromStep === step)!;
    expect(at(919).isSameBatch).toBe(true);
    expect(
      at(919).events.map(({ runId, onsetStep, batchId }) => [runId, onsetStep, batchId]),
    ).toEqual([
      ['a', 919, 12],
      ['c', 919, 12],
      ['b', 920, 12],
    ]);
    expect(at(2374).isSameBatch).toBe(false);
  });

  it('are by other settings and windows where these are asked for', async () => {
    const byDataset = await read({ by: 'dataset', within: '0' });
    expect(byDataset.items.map(({ settings }) => settings)).toEqual([{ dataset: 'c4' }]);
    expect(byDataset.items[0]!.runs.length).toBe(4);
    expect(byDataset.items[0]!.items.map(({ fromStep, runCount }) => [fromStep, runCount])).toEqual(
      [[60, 3]],
    );
    const wide = await read({ within: '10' });
    expect(wide.items.at(-1)!.items.map(({ fromStep, toStep }) => [fromStep, toStep])).toEqual([
      [60, 70],
    ]);
    const exact = await read({ within: '0' });
    expect(exact.items[0]!.items.map(({ fromStep, runCount }) => [fromStep, runCount])).toEqual([
      [2374, 3],
      [919, 2],
    ]);
  });

  it('are none among runs that do not say their data order', async () => {
    expect(await read({ by: 'nothing' })).toMatchObject({ orderedRunCount: 0, items: [] });
    expect(await read({ q: 'half' })).toMatchObject({ runCount: 1, orderedRunCount: 0, items: [] });
  });
});
