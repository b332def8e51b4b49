import { describe, expect, it } from 'vitest';
import {
  decodeHeatmapColumns,
  encodeHeatmapColumns,
  HeatmapBody,
  writeColumn,
} from '@/lib/contract/heatmap-columns';
import { missingColumn } from '@/lib/contract/missing-value';

describe('heatmap columns', () => {
  it('decode to what was encoded', () => {
    const columns = {
      layerCount: 2,
      columnCount: 3,
      fromStep: Float64Array.of(0, 10, 2 ** 40),
      toStep: Float64Array.of(9, 19, 2 ** 40 + 1),
      loss: Float32Array.of(1, NaN, 3),
      values: Float32Array.of(1, 2, NaN, 4, 5, 6),
      nonFinite: Uint32Array.of(0, 0, 2, 0, 0, 0),
      scalars: new Map([['gradient_norm', Float64Array.of(0.1, 0.2, 0.3)]]),
    };
    const decoded = decodeHeatmapColumns(encodeHeatmapColumns(columns));
    expect(decoded).toEqual(columns);
    const both = { ...columns, minima: Float32Array.of(0, 1, NaN, 3, 4, 5) };
    expect(decodeHeatmapColumns(encodeHeatmapColumns(both))).toEqual(both);
  });

  it('tell what was not reported from what was not finite', () => {
    const source = missingColumn(4);
    source[0] = 2;
    source[1] = NaN;
    source[2] = -Infinity;
    const values = new Float32Array(12);
    const nonFinite = new Uint32Array(12).fill(9);
    writeColumn(source, 1, 0, 2, values, nonFinite);
    expect([2, 4, 6, 8].map((at) => values[at])).toEqual([2, NaN, NaN, NaN]);
    expect([2, 4, 6, 8].map((at) => nonFinite[at])).toEqual([0, 1, 1, 0]);
  });

  it('are the same where they were filled in place', () => {
    const body = new HeatmapBody(2, 3, 4);
    body.values.set([1, 2, NaN, 4, 5, 6]);
    body.nonFinite.set([0, 0, 2, 0, 0, 0]);
    body.loss.set([1, NaN, 3]);
    const head = {
      fromStep: Float64Array.of(0, 10, 2 ** 40),
      toStep: Float64Array.of(9, 19, 2 ** 40 + 1),
      scalars: new Map([
        ['gradient_norm', Float64Array.of(0.1, 0.2, 0.3)],
        ['wall_time', Float64Array.of(1, 2, 3)],
      ]),
    };
    const columns = body.finish(head);
    expect(Buffer.compare(columns.body, encodeHeatmapColumns(columns))).toBe(0);
    expect(decodeHeatmapColumns(columns.body)).toMatchObject({ ...head, values: body.values });
    const names = Array.from({ length: 30 }, (_, index) => `a_name_of_some_length_${index}`);
    const tooMany = new Map(names.map((name) => [name, new Float64Array(3)]));
    expect(() => body.finish({ ...head, scalars: tooMany })).toThrow(RangeError);
  });

  it('begin with no counts in memory that was used before', () => {
    const used = new Uint8Array(1 << 16).fill(0xff);
    const body = new HeatmapBody(2, 3, 1, { memory: { take: (size) => used.subarray(0, size) } });
    body.values.set([1, 2, 3, 4, 5, 6]);
    body.loss.set([1, 2, 3]);
    const steps = Float64Array.of(1, 2, 3);
    const columns = body.finish({ fromStep: steps, toStep: steps, scalars: new Map() });
    expect(columns.memory!.buffer).toBe(used.buffer);
    expect([...columns.nonFinite]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Buffer.compare(columns.body, encodeHeatmapColumns(columns))).toBe(0);
  });

  it('hold a run without layers', () => {
    const empty = {
      layerCount: 0,
      columnCount: 1,
      fromStep: Float64Array.of(1),
      toStep: Float64Array.of(1),
      loss: Float32Array.of(1),
      values: new Float32Array(0),
      nonFinite: new Uint32Array(0),
      scalars: new Map<string, Float64Array>(),
    };
    expect(decodeHeatmapColumns(encodeHeatmapColumns(empty))).toEqual(empty);
  });
});
