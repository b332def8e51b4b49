import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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

describe('replies of buckets', () => {
  it('of a series are what JSON.stringify makes of them', () => {
    fc.assert(
      fc.property(layer, fc.string(), points, (ofLayer, metric, buckets) => {
        const reply = { layer: ofLayer, metric, points: buckets } as Parameters<
          typeof seriesJson
        >[0];
        expect(seriesJson(reply)).toBe(JSON.stringify(reply));
      }),
    );
  });

  it('of a timeline too', () => {
    const series = fc.array(fc.record({ name: fc.string({ unit: 'binary' }), points }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(series, (ofRun) => {
        expect(timelineJson({ series: ofRun })).toBe(JSON.stringify({ series: ofRun }));
      }),
    );
  });
});
