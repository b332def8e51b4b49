import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../../lib/contract/reads';
import type { BucketColumns } from '../../../lib/query/scalar-buckets';
import { seriesJson, timelineJson } from '../../../workers/api/bucket-json';

const value = fc.oneof(
  fc.constantFrom(null, 0, -0, 1e21, 5e-324, -1.5e-7, Infinity, -Infinity, NaN),
  fc.double(),
  fc.float(),
);
const step = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const points = fc.array(
  fc.record({
    fromStep: step,
    toStep: step,
    min: value,
    max: value,
    mean: value,
    nonFiniteCount: fc.nat(),
  }),
  { maxLength: 5 },
);
const layer = fc.record({
  index: fc.nat(),
  name: fc.string({ unit: 'binary' }),
  kind: fc.constantFrom('embedding', null),
  depth: fc.option(fc.nat()),
  parameterCount: fc.nat(),
  shape: fc.option(fc.array(fc.nat(), { maxLength: 3 }), { nil: undefined }),
});

function toColumns(buckets: readonly Bucket[]): BucketColumns {
  const column = (key: keyof Bucket): Float64Array =>
    Float64Array.from(buckets, (bucket) => bucket[key] ?? NaN);
  return {
    ...{ count: buckets.length, fromStep: column('fromStep'), toStep: column('toStep') },
    ...{ min: column('min'), max: column('max'), mean: column('mean') },
    nonFiniteCount: Uint32Array.from(buckets, ({ nonFiniteCount }) => nonFiniteCount),
  };
}

describe('replies of buckets', () => {
  it('of a series are what JSON.stringify makes of them', () => {
    fc.assert(
      fc.property(layer, fc.string({ unit: 'binary' }), points, (ofLayer, metric, buckets) => {
        const head = { layer: ofLayer, metric } as Omit<Parameters<typeof seriesJson>[0], 'points'>;
        expect(seriesJson({ ...head, points: toColumns(buckets) }).toString()).toBe(
          JSON.stringify({ ...head, points: buckets }),
        );
      }),
    );
  });

  it('of a timeline too', () => {
    const series = fc.array(fc.record({ name: fc.string({ unit: 'binary' }), points }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(series, (ofRun) => {
        const columns = ofRun.map((one) => ({ ...one, points: toColumns(one.points) }));
        expect(timelineJson({ series: columns }).toString()).toBe(
          JSON.stringify({ series: ofRun }),
        );
      }),
    );
  });
});
