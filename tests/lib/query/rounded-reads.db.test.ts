/** Reads at every zoom before and after the rounding of what they read. */
import { describe, expect, it } from 'vitest';
import { readHeatmap } from '@/lib/query/read-heatmap';
import { readSeries } from '@/lib/query/read-series';
import { createRun } from '@/lib/store/runs/create-run';
import { upsertSpikes } from '@/lib/store/findings/save-spikes';
import { finishRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { aSpike } from '@/tests/builders/spike';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { readRounding, receive, roundAll, TOLERANCE } from '@/tests/lib/store/compaction/rounder';

const database = useDatabase();
const LAYERS = 20;
const STEPS = 6000;
const SPIKE = 3210;
const LONG_AGO = new Date('2026-01-01T00:00:00Z');

/** Steps of NaN and of nothing beside numbers of every size and both signs. */
function valueOf(step: number, layer: number): number {
  if (layer === 3 && step % 997 === 5) return NaN;
  if (layer === 4 && step % 640 === 7) return Infinity;
  if (step === SPIKE) return 1234.5678 + layer;
  return Math.sin(step * 1.3 + layer) * magnitudeOf(layer) + (layer % 3);
}

const magnitudeOf = (layer: number): number => 10 ** (layer % 7);

interface Reply {
  readonly values: Float32Array;
  readonly nonFinite: Uint32Array;
  readonly fromStep: Float64Array;
  readonly isMean: boolean;
  readonly layerOf: (index: number) => number;
}

async function readAll(id: string) {
  const query = { attempt: 'effective' as const, metric: 'm' };
  const replies: Reply[] = [];
  for (const columns of [1, 7, 90, 375, 1500, STEPS]) {
    for (const reduce of ['max', 'min', 'mean'] as const) {
      const heatmap = await readHeatmap(database.db, id, { ...query, columns, reduce });
      replies.push({
        values: heatmap.values.slice(),
        nonFinite: Uint32Array.from(heatmap.nonFinite),
        fromStep: Float64Array.from(heatmap.fromStep),
        isMean: reduce === 'mean',
        layerOf: (index) => Math.floor(index / heatmap.columnCount),
      });
    }
    for (const layer of [0, 3, 4, 19]) {
      const { points } = await readSeries(database.db, id, layer, { ...query, points: columns });
      for (const name of ['min', 'max', 'mean'] as const) {
        replies.push({
          values: Float32Array.from(points, (point) => point[name] ?? NaN),
          nonFinite: Uint32Array.from(points, (point) => point.nonFiniteCount),
          fromStep: Float64Array.from(points, (point) => point.fromStep),
          isMean: name === 'mean',
          layerOf: () => layer,
        });
      }
    }
  }
  return replies;
}

describe('reads of rounded blocks and rows', () => {
  it('say the same within a thousandth at every zoom, and a spike to the bit', async () => {
    const id = 'rounded';
    const { runKey } = await createRun(database.db, aRun({ id, layerCount: LAYERS }));
    const frames = Array.from({ length: STEPS }, (_, step) =>
      aFrame(step, {
        loss: 1,
        layers: { m: Array.from({ length: LAYERS }, (__, layer) => valueOf(step, layer)) },
      }),
    );
    await database.writer.write(
      frames.map((frame) => ({ runKey, attempt: 1, layerOffset: 0, frame })),
    );
    const client = await database.db.pool.connect();
    const spike = aSpike({
      id: 'peak',
      onsetStep: SPIKE,
      riseStep: SPIKE,
      confirmedStep: SPIKE,
      peakStep: SPIKE,
    });
    await upsertSpikes(client, runKey, [{ spike, isInherited: false }]);
    client.release();
    await finishRun(database.db, id, 'finished', LONG_AGO);
    await withClient(database.url, (open) => compactAll(open, runKey));
    const before = await readAll(id);
    await receive(database.db, runKey, LONG_AGO);
    await withClient(database.url, (open) => roundAll(open, runKey, new Date()));
    const { blocks } = await readRounding(database.db, runKey);
    expect(blocks.filter((name) => name.endsWith('/2')).length).toBeGreaterThan(70);
    const after = await readAll(id);

    let changed = 0;
    after.forEach(({ values, nonFinite, fromStep, isMean, layerOf }, reply) => {
      const wanted = before[reply]!;
      expect(nonFinite).toEqual(wanted.nonFinite);
      expect(fromStep).toEqual(wanted.fromStep);
      const wrong = [...values].filter((value, index) => {
        const exact = wanted.values[index]!;
        if (!Object.is(value, exact)) changed++;
        // The mean of steps of both signs is as near as they are.
        const scale = isMean ? magnitudeOf(layerOf(index)) + 3 : Math.abs(exact);
        return Number.isFinite(exact)
          ? Math.abs(value - exact) > scale * TOLERANCE
          : !Object.is(value, exact);
      });
      expect(wrong).toEqual([]);
    });
    expect(changed).toBeGreaterThan(1000);

    // The one step of layer 0 that is larger than all others, at every zoom.
    for (const points of [1, 7, 90, 375, 1500, STEPS]) {
      const query = { attempt: 'effective' as const, metric: 'm', points };
      const series = await readSeries(database.db, id, 0, query);
      const largest = Math.fround(valueOf(SPIKE, 0));
      expect(series.points.filter(({ max }) => max === largest)).toHaveLength(1);
    }
  });
});
