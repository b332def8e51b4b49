import { describe, expect, it } from 'vitest';
import { prepareDistributionAxis } from '@/lib/view/layer/distribution-axis';
import { prepareRidgeline } from '@/lib/view/layer/ridgeline';
import { aDistribution, anItem } from '../../../builders/distribution-item';

const axis = prepareDistributionAxis('linear', []);
const at = (step: number, outwards = [400, 250, 90]) =>
  anItem({ step, distributions: [aDistribution('update', outwards)] });
const chosen = { main: 317, others: [316, 319] };

describe('a ridgeline', () => {
  const items = [314, 315, 316, 317, 318, 319, 320].map((step) => at(step));

  it('has a row a step, oldest first, the chosen ones told apart and always labelled', () => {
    const { rows } = prepareRidgeline(items, 'update', axis, chosen, null);
    expect(rows.map(({ step, emphasis }) => [step, emphasis])).toEqual([
      [314, 0],
      [315, 0],
      [316, 2],
      [317, 1],
      [318, 0],
      [319, 2],
      [320, 0],
    ]);
    expect(rows.filter(({ hasLabel }) => hasLabel).map(({ step }) => step)).toEqual([
      315, 316, 317, 319, 320,
    ]);
  });

  it('measures every row on one scale and cuts only the sharpest', () => {
    const { rows } = prepareRidgeline(
      [at(1, [100, 100]), at(2, [100, 100]), at(3, [200]), at(4, [50, 50, 50, 50])],
      'update',
      axis,
      chosen,
      null,
    );
    const tops = rows.map(({ points }) => Math.max(...points.map(({ height }) => height)));
    expect(tops[0]).toBeCloseTo(tops[1]!, 12);
    expect(tops[3]).toBeCloseTo(tops[0]! / 2, 9);
    expect(Math.max(...tops)).toBeLessThanOrEqual(2.2);
  });

  it('runs along the whole axis at 0 where nothing lies', () => {
    const [row] = prepareRidgeline(items, 'update', axis, chosen, null).rows;
    expect(row?.points[0]).toEqual({ at: -1.3, height: 0 });
    expect(row?.points.at(-1)).toEqual({ at: 1.3, height: 0 });
  });

  it('leaves out steps that did not report the kind', () => {
    expect(prepareRidgeline(items, 'ratio', axis, chosen, null).rows).toEqual([]);
  });
});
