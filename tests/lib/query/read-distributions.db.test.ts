import { beforeAll, describe, expect, it } from 'vitest';
import { chooseEvenly, readDistributions } from '@/lib/query/read-distributions';
import { createRun } from '@/lib/store/runs/create-run';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';

const database = useDatabase();
const EDGES = Float32Array.of(-1, -0.25, 0, 0.5, 2);
const window = { attempt: 'effective' as const, limit: 100 };

/** Counts that say which step, layer and bin they are of. */
function aHistogram(step: number, firstLayer: number, layerCount: number, scale: number) {
  return {
    edges: EDGES,
    counts: Uint32Array.from(
      { length: layerCount * 4 },
      (_, index) => scale * (step * 100 + (firstLayer + Math.floor(index / 4)) * 10 + (index % 4)),
    ),
    outside: Uint32Array.from(
      { length: layerCount * 4 },
      (_, index) => (firstLayer + Math.floor(index / 4)) * 10 + (index % 4),
    ),
  };
}

beforeAll(async () => {
  const { db, writer } = database;
  const { runKey } = await createRun(db, aRun({ id: 'run', layerCount: 3 }));
  const post = (step: number, attempt: number, scale: number, isSharded = false) => {
    const shards = isSharded
      ? [
          { layerOffset: 0, layerCount: 1 },
          { layerOffset: 1, layerCount: 2 },
        ]
      : [{ layerOffset: 0, layerCount: 3 }];
    return writer.write(
      shards.map(({ layerOffset, layerCount }) => ({
        runKey,
        attempt,
        layerOffset,
        frame: aFrame(step, {
          loss: step === 4 ? NaN : step / 2,
          layers: {
            gradient_norm: Array.from({ length: layerCount }, (_, index) => layerOffset + index),
            rms: Array.from({ length: layerCount }, () => (step === 4 ? NaN : 1)),
          },
          histograms: {
            update: aHistogram(step, layerOffset, layerCount, scale),
            ratio: aHistogram(step, layerOffset, layerCount, 1),
          },
        }),
      })),
    );
  };
  await post(2, 1, 1);
  await post(4, 1, 70_000, true);
  await post(6, 1, 1);
  await writer.write([{ runKey, attempt: 1, layerOffset: 0, frame: aFrame(7) }]);
  await createRun(db, aRun({ id: 'run', layerCount: 3, resumeFromStep: 5 }));
  await post(8, 2, 300);
  await createRun(db, aRun({ id: 'bare' }));
});

describe('readDistributions', () => {
  it('returns counts verbatim, in whatever width they are stored', async () => {
    const { db } = database;
    for (const [step, scale] of [
      [2, 1],
      [4, 70_000],
      [8, 300],
    ] as const) {
      for (const layer of [0, 1, 2]) {
        const { items } = await readDistributions(db, 'run', layer, { ...window, step });
        expect(items).toHaveLength(1);
        const bins = [0, 1, 2, 3].map((bin) => step * 100 + layer * 10 + bin);
        expect(items[0]).toMatchObject({
          step,
          attempt: step === 8 ? 2 : 1,
          distributions: [
            {
              kind: 'update',
              edges: [...EDGES],
              counts: bins.map((count) => count * scale),
              underflow: layer * 10,
              overflow: layer * 10 + 1,
              zeros: layer * 10 + 2,
              nonFinite: layer * 10 + 3,
            },
            { kind: 'ratio', counts: bins },
          ],
        });
      }
    }
  });

  it('finds the newest at or before a step, on the effective trajectory or an attempt', async () => {
    const stepAt = async (step: number, attempt: 'effective' | 'all' | number = 'effective') => {
      const { items } = await readDistributions(database.db, 'run', 1, {
        ...window,
        attempt,
        step,
      });
      return items.map((item) => `${item.attempt}/${item.step}`);
    };
    expect(await stepAt(2)).toEqual(['1/2']);
    expect(await stepAt(3)).toEqual(['1/2']);
    // Step 6 of the first attempt lies behind the resume at 5.
    expect(await stepAt(7)).toEqual(['1/4']);
    expect(await stepAt(7, 1)).toEqual(['1/6']);
    expect(await stepAt(7, 'all')).toEqual(['1/6']);
    expect(await stepAt(1000)).toEqual(['2/8']);
    expect(await stepAt(1000, 'all')).toEqual(['2/8']);
    await expect(stepAt(1)).rejects.toMatchObject({ code: 'distribution_not_found' });
  });

  it('lists a range by step, and an even choice of a long one', async () => {
    const { db } = database;
    const stepsOf = async (query: object) => {
      const { items } = await readDistributions(db, 'run', 2, { ...window, ...query });
      return items.map(({ step }) => step);
    };
    expect(await stepsOf({})).toEqual([2, 4, 8]);
    expect(await stepsOf({ attempt: 'all' })).toEqual([2, 4, 6, 8]);
    expect(await stepsOf({ fromStep: 3, toStep: 7 })).toEqual([4]);
    expect(await stepsOf({ limit: 2 })).toEqual([2, 8]);
    expect(await stepsOf({ limit: 1 })).toEqual([8]);
  });

  it('says what the layer measured beside, and what was not finite', async () => {
    const { items } = await readDistributions(database.db, 'run', 2, window);
    expect(
      items.map(({ loss, statistics, nonFiniteCount }) => ({ loss, statistics, nonFiniteCount })),
    ).toEqual([
      { loss: 1, statistics: { gradient_norm: 2, rms: 1 }, nonFiniteCount: 0 },
      { loss: null, statistics: { gradient_norm: 2, rms: null }, nonFiniteCount: 1 },
      { loss: 4, statistics: { gradient_norm: 2, rms: 1 }, nonFiniteCount: 0 },
    ]);
  });

  it('says the same from blocks, and with what came late', async () => {
    const { db, writer } = database;
    const { runKey } = await createRun(db, aRun({ id: 'compacted', layerCount: 2 }));
    const frameOf = (step: number, firstLayer: number, values: readonly number[]) => ({
      runKey,
      attempt: 1,
      layerOffset: firstLayer,
      frame: {
        ...aFrame(step, { loss: step, layers: { gradient_norm: values } }),
        histograms: new Map([['update', aHistogram(step, firstLayer, values.length, 1)]]),
      },
    });
    const steps = Array.from({ length: 300 }, (_, step) => step);
    await writer.write([
      ...steps.map((step) => frameOf(step, 0, [step])),
      ...steps.filter((step) => step !== 100).map((step) => frameOf(step, 1, [-step])),
    ]);
    const read = async (layer: number) => {
      const { items } = await readDistributions(db, 'compacted', layer, {
        ...window,
        fromStep: 60,
        toStep: 250,
        limit: 500,
      });
      return items;
    };
    const before = [await read(0), await read(1)];
    expect(before[0]).toHaveLength(191);
    expect(before[1]).toHaveLength(190);
    expect(before[1]![10]).toMatchObject({ step: 70, statistics: { gradient_norm: -70 } });
    await withClient(database.url, (client) => compactAll(client, runKey));
    expect([await read(0), await read(1)]).toEqual(before);
    await writer.write([frameOf(100, 1, [-100])]);
    const late = await read(1);
    expect(late).toHaveLength(191);
    expect(late[40]).toMatchObject({ step: 100, statistics: { gradient_norm: -100 } });
    await withClient(database.url, (client) => compactAll(client, runKey));
    expect(await read(1)).toEqual(late);
  });

  it('draws the theory of the attempt’s optimizer over it', async () => {
    const { layer, referenceCurves } = await readDistributions(database.db, 'run', 1, window);
    expect(layer).toMatchObject({ index: 1, name: 'layer.1' });
    expect(referenceCurves.healthyStd).toBeCloseTo(Math.sqrt(0.1 / 1.9), 12);
    expect(referenceCurves.markers).toContainEqual({ kind: 'limit', at: 1 });
  });

  it('has none for a run that posted none', async () => {
    const { db } = database;
    expect((await readDistributions(db, 'bare', 0, window)).items).toEqual([]);
    await expect(readDistributions(db, 'bare', 7, window)).rejects.toMatchObject({
      code: 'layer_not_found',
    });
  });
});

describe('chooseEvenly', () => {
  it('keeps the first and the last and never more than asked', () => {
    const entries = Array.from({ length: 101 }, (_, index) => index);
    expect(chooseEvenly(entries, 11)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    for (let limit = 1; limit <= 101; limit++) {
      const chosen = chooseEvenly(entries, limit);
      expect(chosen).toHaveLength(limit);
      expect(chosen.at(-1)).toBe(100);
    }
    expect(chooseEvenly([1, 2], 5)).toEqual([1, 2]);
  });
});
