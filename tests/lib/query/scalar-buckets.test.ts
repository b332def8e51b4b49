import { expect, it } from 'vitest';
import { BucketSteps, ScalarBuckets, toBuckets } from '@/lib/query/scalar-buckets';

it('knows the mean of losses near the largest number, read step by step or from rollups', () => {
  const steps = new BucketSteps(2);
  const values = new ScalarBuckets(2);
  [1e308, 1.5e308, 1.5e308].forEach((loss, step) => {
    steps.add(0, step);
    values.add(0, loss);
  });
  steps.add(1, 16, 47);
  const summary = { finite: 16, nonFinite: 1, min: -1e308, max: 1.5e308, mean: 1e308 };
  values.addSummary(1, summary);
  values.addSummary(1, { ...summary, nonFinite: 0, mean: 0.5e308 });
  const [first, second] = toBuckets(values.toColumns(steps));
  expect(first).toMatchObject({ fromStep: 0, toStep: 2, max: 1.5e308, nonFiniteCount: 0 });
  expect(first!.mean! / 1e308).toBeCloseTo(4 / 3, 14);
  expect(second).toMatchObject({ min: -1e308, max: 1.5e308, mean: 0.75e308, nonFiniteCount: 1 });
});
