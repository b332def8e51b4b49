import { describe, expect, it } from 'vitest';
import { normalDensity } from '@/lib/stats/normal-density';
import { computeReferenceCurves } from '@/lib/stats/reference-curves';

describe('computeReferenceCurves', () => {
  it.each([
    [0.8, 0.3333],
    [0.9, 0.2294],
    [0.95, 0.1601],
  ])('has a healthy spread at β1 = %d of %d', (beta1, expected) => {
    expect(computeReferenceCurves(beta1, 0.95).healthyStd).toBeCloseTo(expected, 4);
  });

  it('marks the limit, one stale step and a single burst on both sides', () => {
    const { markers } = computeReferenceCurves(0.9, 0.95);
    expect(markers.map(({ kind, at }) => `${kind} ${at.toFixed(3)}`)).toEqual([
      'limit -1.000',
      'limit 1.000',
      'stale_step -0.923',
      'stale_step 0.923',
      'single_burst -0.447',
      'single_burst 0.447',
    ]);
    const burst = computeReferenceCurves(0.9, 0.999).markers.at(-1)!;
    expect(burst.at).toBeCloseTo(3.16, 2);
  });

  it('draws what it can where betas are missing or out of range', () => {
    expect(computeReferenceCurves(null, 0.95)).toEqual({
      healthyStd: null,
      markers: [
        { kind: 'limit', at: -1 },
        { kind: 'limit', at: 1 },
      ],
    });
    expect(computeReferenceCurves(0.9, null).healthyStd).toBeCloseTo(0.2294, 4);
    expect(computeReferenceCurves(0.9, 1).markers.length).toBe(2);
    expect(computeReferenceCurves(NaN, NaN).healthyStd).toBeNull();
    // Without momentum there is no stale step to mark.
    expect(computeReferenceCurves(0, 0.95).markers.map(({ kind }) => kind)).toEqual([
      'limit',
      'limit',
      'single_burst',
      'single_burst',
    ]);
  });
});

describe('normalDensity', () => {
  it('has the values of the standard normal', () => {
    // scipy.stats.norm.pdf
    expect(normalDensity(0, 0, 1)).toBeCloseTo(0.3989422804014327, 15);
    expect(normalDensity(1, 0, 1)).toBeCloseTo(0.24197072451914337, 15);
    expect(normalDensity(3, 1, 2)).toBeCloseTo(0.12098536225957168, 15);
  });

  it('integrates to 1', () => {
    let area = 0;
    for (let x = -2; x < 2; x += 0.001) area += normalDensity(x, 0, 0.2294) * 0.001;
    expect(area).toBeCloseTo(1, 9);
  });

  it('does not exist without a spread', () => {
    expect(normalDensity(0, 0, 0)).toBeNaN();
  });
});
