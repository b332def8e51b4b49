import { describe, expect, it } from 'vitest';
import { collapseGroups } from '@/lib/view/axes/layer-groups';
import { bandOfRow, prepareLayerAxis, rowAtPixel } from '@/lib/view/axes/layer-axis';

const groups = [
  { label: 'emb', start: 0, end: 2 },
  { label: 'h.0', start: 2, end: 10 },
];

describe('the layer axis', () => {
  it('gives whole pixels to every row and one between groups', () => {
    const axis = prepareLayerAxis(10, groups, 65, 1);
    expect(axis.bands.map(({ start, end }) => end - start)).toEqual(Array(10).fill(6));
    expect(axis.bands[2]!.start).toBe(13);
    expect(axis.length).toBe(61);
    expect(axis.groups).toEqual([
      { label: 'emb', start: 0, end: 12, isLabelled: true, isCollapsed: false, rowCount: 2 },
      { label: 'h.0', start: 13, end: 61, isLabelled: true, isCollapsed: false, rowCount: 8 },
    ]);
  });

  it('drops gaps under 3 px a row and labels under 10 px a group', () => {
    const axis = prepareLayerAxis(10, groups, 20, 1);
    expect(axis.bands[2]!.start).toBe(4);
    expect(axis.groups.map(({ isLabelled }) => isLabelled)).toEqual([false, true]);
  });

  it('lays the rows of a closed group on one band, high enough for its label', () => {
    const closed = collapseGroups(groups, ['h.0']);
    const axis = prepareLayerAxis(10, closed, 65, 1);
    expect(axis.bands.map(({ firstRow, endRow }) => [firstRow, endRow])).toEqual([
      [0, 1],
      [1, 2],
      [2, 10],
    ]);
    expect(axis.groups[1]).toMatchObject({ isCollapsed: true, isLabelled: true, rowCount: 8 });
    expect(axis.bands[2]!.end - axis.bands[2]!.start).toBe(32);
    expect(bandOfRow(axis, 7)).toBe(axis.bands[2]);
  });

  it('covers every row once when rows share pixels', () => {
    const axis = prepareLayerAxis(1000, [], 300, 2);
    expect(axis.length).toBeLessThanOrEqual(300);
    const covered = axis.bands.flatMap(({ firstRow, endRow }) =>
      Array.from({ length: endRow - firstRow }, (_, i) => firstRow + i),
    );
    expect(covered).toEqual(Array.from({ length: 1000 }, (_, row) => row));
    axis.bands.forEach(({ start }, i) => {
      if (i > 0) expect(start).toBe(axis.bands[i - 1]!.end);
    });
  });

  it('finds the row under a pixel and the band of a row', () => {
    const axis = prepareLayerAxis(10, groups, 65, 1);
    expect([-5, 0, 11, 12, 13, 60, 99].map((pixel) => rowAtPixel(axis, pixel))).toEqual([
      0, 0, 1, 2, 2, 9, 9,
    ]);
    expect(bandOfRow(axis, 9)).toEqual({ start: 55, end: 61, firstRow: 9, endRow: 10 });
    expect(rowAtPixel(prepareLayerAxis(0, [], 100, 1), 5)).toBeNull();
  });
});
