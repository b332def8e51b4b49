import { describe, expect, it } from 'vitest';
import { prepareDistributionAxis } from '@/lib/view/layer/distribution-axis';
import { prepareDistributionHeatmap } from '@/lib/view/layer/distribution-heatmap';
import { aDistribution, anItem } from '../../../builders/distribution-item';

const axis = prepareDistributionAxis('linear', []);
const at = (step: number, outwards: readonly number[]) =>
  anItem({ step, distributions: [aDistribution('update', outwards)] });

describe('distributions over steps as colours', () => {
  const { steps, shades, columnCount, scale, domain } = prepareDistributionHeatmap(
    [at(1, [100]), at(2, [0, 0, 0, 100]), at(3, [25, 25, 25, 25])],
    'update',
    axis,
    null,
  );
  /** The shade of a row at u = x. */
  const shadeAt = (row: number, x: number) => {
    const column = Math.floor(((x - domain[0]) / (domain[1] - domain[0])) * columnCount);
    return shades[row * columnCount + column]!;
  };

  it('have a row a reported step and are darkest where it is densest', () => {
    expect(steps).toEqual([1, 2, 3]);
    expect(shadeAt(0, 0.06)).toBe(1);
    expect(shadeAt(0, 0.44)).toBe(0);
    expect(shadeAt(1, 0.06)).toBe(0);
    expect(shadeAt(1, -0.44)).toBe(1);
  });

  it('are on one scale for all rows, the root of the density', () => {
    expect(scale).toBeCloseTo(4, 9);
    expect(shadeAt(2, 0.3)).toBeCloseTo(0.5, 6);
  });

  it('are nothing beyond the bins, and have no row where the kind was not reported', () => {
    expect(shadeAt(0, 1.2)).toBe(0);
    expect(prepareDistributionHeatmap([at(1, [1])], 'ratio', axis, null).steps).toEqual([]);
  });
});
