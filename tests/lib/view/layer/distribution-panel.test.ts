import { describe, expect, it } from 'vitest';
import { prepareDistributionAxis } from '@/lib/view/layer/distribution-axis';
import {
  formatTick,
  prepareDistributionPanel,
  type PanelStyle,
} from '@/lib/view/layer/distribution-panel';
import { CURVES, aDistribution } from '../../../builders/distribution-item';

const linear = prepareDistributionAxis('linear', []);
const healthyLike = aDistribution('update', [400, 250, 90, 20]);
const style = { axis: linear, mode: 'density', curves: CURVES, correlated: [] } as const;
const panel = (distribution = healthyLike, over: Partial<PanelStyle> = {}) =>
  prepareDistributionPanel('u at step 317', distribution, { ...style, ...over });

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
    const counts = panel(healthyLike, { mode: 'counts' }).outline.map(({ height }) => height);
    expect(counts.slice(1, -1)).toEqual(healthyLike.counts);
  });

  it('holds outline and healthy normal under its top, in either mode', () => {
    for (const mode of ['density', 'counts'] as const) {
      const { outline, healthy, maxHeight } = panel(healthyLike, { mode });
      expect(healthy.length).toBeGreaterThan(10);
      const highest = Math.max(...[...outline, ...healthy].map(({ height }) => height));
      expect(maxHeight).toBeGreaterThan(highest);
      expect(maxHeight).toBeLessThan(1.1 * highest);
    }
  });

  it('places each marker on both sides, once', () => {
    const both = { ...CURVES, markers: CURVES.markers.flatMap((m) => [m, { ...m, at: -m.at }]) };
    for (const curves of [CURVES, both]) {
      const { markers } = panel(healthyLike, { curves });
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
      '3\u202f045 finite',
      '50\u202f% exactly 0',
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
    const bare = panel(healthyLike, { curves: unknown });
    expect(bare.healthy).toEqual([]);
    expect(bare.markers).toEqual([]);
  });
});

describe('a cumulative panel', () => {
  it.each(['linear', 'signed-log'] as const)(
    'rises from what lies under the %s axis to all of it, with a step of the zeros at 0',
    (kind) => {
      const axis = prepareDistributionAxis(kind, [healthyLike]);
      const { outline, isStepped, maxHeight } = panel(
        { ...healthyLike, zeros: 1520, underflow: 152 },
        { axis, mode: 'cumulative' },
      );
      expect(isStepped).toBe(false);
      expect(maxHeight).toBeCloseTo(1.04, 9);
      expect(outline[0]?.height).toBeCloseTo(152 / 3192, 9);
      expect(outline.at(-1)?.height).toBeCloseTo(1, 9);
      const [below, above] = outline.filter(({ at }) => at === 0);
      expect(above!.height - below!.height).toBeCloseTo(1520 / 3192, 9);
    },
  );

  it('begins with the zeros on a log axis', () => {
    const axis = prepareDistributionAxis('log', [healthyLike]);
    const { outline } = panel({ ...healthyLike, zeros: 1520 }, { axis, mode: 'cumulative' });
    expect(outline[0]!.height).toBeGreaterThan(0.5);
    expect(outline.at(-1)?.height).toBeCloseTo(1, 9);
  });
});

describe('what is laid over a panel', () => {
  const over = aDistribution('update', [3, 2, 3, 600, 20]);

  it('is drawn on the same axis and fits under the top', () => {
    const { other, outline, maxHeight } = prepareDistributionPanel('u', healthyLike, style, over);
    expect(other.map(({ at }) => at)).toEqual(outline.map(({ at }) => at));
    expect(maxHeight).toBeGreaterThan(Math.max(...other.map(({ height }) => height)));
    expect(panel().other).toEqual([]);
  });

  it('may be a mixture of normals of the same height unit', () => {
    const correlated = [
      { weight: 0.5, mean: -0.45, std: 0.05 },
      { weight: 0.5, mean: 0.45, std: 0.05 },
    ];
    const { correlated: curve, maxHeight } = panel(healthyLike, { correlated });
    const highest = Math.max(...curve.map(({ height }) => height));
    expect(highest).toBeGreaterThan(3);
    expect(maxHeight).toBeGreaterThan(highest);
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
