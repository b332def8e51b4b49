import { describe, expect, it } from 'vitest';
import { computeUpdateEdges } from '@/lib/stats/update-edges';
import { prepareDistributionAxis } from '@/lib/view/layer/distribution-axis';
import { drawBins } from '@/lib/view/layer/distribution-bins';
import type { CountedDistribution } from '@/lib/view/layer/to-histogram';

const nothingOutside = { underflow: 0, overflow: 0, zeros: 0, nonFinite: 0 };

function equalBins(low: number, high: number, counts: readonly number[]): CountedDistribution {
  const width = (high - low) / counts.length;
  const edges = Array.from({ length: counts.length + 1 }, (_, i) => low + i * width);
  return { edges, counts, ...nothingOutside };
}

const area = (bins: ReturnType<typeof drawBins>['bins']) =>
  bins.reduce((sum, { leftEdge, rightEdge, density }) => sum + (rightEdge - leftEdge) * density, 0);

describe('the drawn bins', () => {
  const linear = prepareDistributionAxis('linear', []);

  it('keep posted bins that the axis can show, with densities whose area is 1', () => {
    const { bins, finiteCount } = drawBins(equalBins(-1, 1, [1, 2, 4, 1]), linear);
    expect(bins.map(({ count }) => count)).toEqual([1, 2, 4, 1]);
    expect(finiteCount).toBe(8);
    expect(bins[2]?.density).toBeCloseTo(4 / 8 / 0.5, 12);
    expect(area(bins)).toBeCloseTo(1, 12);
  });

  it('merge bins that are finer than the axis shows, without losing a count', () => {
    const edges = [...computeUpdateEdges()];
    const counts = edges.slice(1).map((edge) => (Math.abs(edge) < 1 ? 3 : 0));
    const { bins } = drawBins({ edges, counts, ...nothingOutside }, linear);
    const total = counts.reduce<number>((sum, count) => sum + count, 0);
    expect(bins.length).toBeLessThanOrEqual(66);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(total);
  });

  it('stay symmetric when the distribution is', () => {
    const edges = [...computeUpdateEdges()];
    const counts = edges.slice(1).map((_, i) => Math.min(i, edges.length - 2 - i));
    for (const kind of ['linear', 'signed-log'] as const) {
      const distribution = { edges, counts, ...nothingOutside };
      const { bins } = drawBins(distribution, prepareDistributionAxis(kind, [distribution]));
      bins.forEach((bin, i) => {
        const mirror = bins[bins.length - 1 - i]!;
        expect(mirror.leftEdge).toBeCloseTo(-bin.rightEdge, 6);
        expect(mirror.density).toBeCloseTo(bin.density, 9);
      });
    }
  });

  it('count exact zeros among the coordinates but in no bin', () => {
    const { bins, finiteCount } = drawBins({ ...equalBins(-1, 1, [1, 1]), zeros: 2 }, linear);
    expect(finiteCount).toBe(4);
    expect(area(bins)).toBeCloseTo(0.5, 12);
  });

  it('say how many lie beyond the axis, underflow and overflow among them', () => {
    const { bins, countBeyond } = drawBins(
      { ...equalBins(-2.6, 2.6, [10, 10]), underflow: 3, overflow: 4 },
      linear,
    );
    expect(countBeyond).toBeCloseTo(10 + 7, 9);
    expect(bins[0]?.leftEdge).toBe(-1.3);
  });

  it('are flat at 0 when nothing was counted', () => {
    const { bins, finiteCount } = drawBins(equalBins(-1, 1, [0, 0]), linear);
    expect(finiteCount).toBe(0);
    expect(bins.every(({ density }) => density === 0)).toBe(true);
  });

  it('hold the same share on either axis', () => {
    const distribution = equalBins(-1, 1, [1, 2, 4, 1]);
    const log = prepareDistributionAxis('signed-log', [distribution]);
    expect(area(drawBins(distribution, log).bins)).toBeCloseTo(1, 9);
  });

  it('adds both sides up on a log axis and counts what lies under it', () => {
    const distribution = {
      edges: [-1, -0.1, -0.01, 0, 0.01, 0.1, 1],
      counts: [10, 20, 40, 60, 30, 15],
      underflow: 1,
      overflow: 2,
      zeros: 7,
      nonFinite: 0,
    };
    const axis = prepareDistributionAxis('log', [distribution]);
    const { bins, finiteCount, countUnder, countBeyond } = drawBins(distribution, axis);
    const inside = bins.reduce((sum, { count }) => sum + count, 0);
    expect(finiteCount).toBe(185);
    expect(countBeyond).toBeCloseTo(3, 4);
    expect(inside + countUnder + countBeyond + 7).toBeCloseTo(185, 4);
    const last = bins.at(-1)!;
    expect(last.rightEdge).toBeCloseTo(0, 6);
    expect(last.count).toBeCloseTo(25, 6);
  });
});
