import { describe, expect, it } from 'vitest';
import { prepareDistributionAxis } from '@/lib/view/distribution-axis';
import { formatTick, prepareDistributionPanel } from '@/lib/view/distribution-panel';
import { CURVES, aDistribution } from '../../builders/distribution-item';

const linear = prepareDistributionAxis('linear', []);
const healthyLike = aDistribution('update', [400, 250, 90, 20]);
const panel = (distribution = healthyLike, mode: 'density' | 'counts' = 'density') =>
  prepareDistributionPanel('u at step 317', distribution, CURVES, linear, mode);

describe('a distribution panel', () => {
  it('closes its outline at height 0 on both ends', () => {
    const { outline } = panel();
    expect(outline[0]).toEqual({ at: -1, height: 0 });
    expect(outline.at(-1)).toEqual({ at: 1, height: 0 });
    expect(outline).toHaveLength(18);
  });

  it('draws densities of area 1 or the posted counts themselves', () => {
    const density = panel().outline.reduce((sum, { height }) => sum + height * 0.125, 0);
    expect(density).toBeCloseTo(1, 9);
    const counts = panel(healthyLike, 'counts').outline.map(({ height }) => height);
    expect(counts.slice(1, -1)).toEqual(healthyLike.counts);
  });

  it('holds outline and healthy normal under its top, in either mode', () => {
    for (const mode of ['density', 'counts'] as const) {
      const { outline, healthy, maxHeight } = panel(healthyLike, mode);
      expect(healthy.length).toBeGreaterThan(10);
      const highest = Math.max(...[...outline, ...healthy].map(({ height }) => height));
      expect(maxHeight).toBeGreaterThan(highest);
      expect(maxHeight).toBeLessThan(1.1 * highest);
    }
  });

  it('places each marker on both sides, once', () => {
    const both = { ...CURVES, markers: CURVES.markers.flatMap((m) => [m, { ...m, at: -m.at }]) };
    for (const curves of [CURVES, both]) {
      const { markers } = prepareDistributionPanel('u', healthyLike, curves, linear, 'density');
      expect(
        markers
          .filter(({ kind }) => kind === 'limit')
          .map(({ at }) => at)
          .sort(),
      ).toEqual([-1, 1]);
      expect(markers).toHaveLength(6);
    }
  });

  it('says in numbers what no curve shows', () => {
    const { notes, zeroShare, nonFiniteCount } = panel({
      ...healthyLike,
      zeros: 1520,
      underflow: 2,
      overflow: 3,
      nonFinite: 7,
    });
    expect(zeroShare).toBeCloseTo(1520 / 3045, 12);
    expect(nonFiniteCount).toBe(7);
    expect(notes).toEqual([
      '3\u2009045 finite',
      '50\u2009% exactly 0',
      '2 under −1',
      '3 over 1',
      '7 not finite',
    ]);
  });

  it('tells coordinates off the axis apart from those off the histogram', () => {
    const wide = { ...healthyLike, edges: healthyLike.edges.map((edge) => 4 * edge), overflow: 1 };
    expect(panel(wide).notes.join()).toMatch(/1 over 4,.* beyond ±1.3$/);
  });

  it('stays drawable when nothing finite was counted, and without betas', () => {
    const empty = panel(aDistribution('update', [], { nonFinite: 5 }));
    expect(empty.maxHeight).toBe(1);
    expect(empty.healthy).toEqual([]);
    const unknown = { healthyStd: null, ratioBound: null, markers: [] };
    const bare = prepareDistributionPanel('u', healthyLike, unknown, linear, 'density');
    expect(bare.healthy).toEqual([]);
    expect(bare.markers).toEqual([]);
  });
});

describe('a tick', () => {
  it('is written short, with a true minus, as a power where it is one', () => {
    expect([1, -0.4472, 0, 2.6].map((value) => formatTick(value, 'linear'))).toEqual([
      '1',
      '−0.45',
      '0',
      '2.6',
    ]);
    expect([0, 0.1, -1, 1e-4, -1e-12].map((value) => formatTick(value, 'signed-log'))).toEqual([
      '0',
      '0.1',
      '−1',
      '10⁻⁴',
      '−10⁻¹²',
    ]);
  });
});
