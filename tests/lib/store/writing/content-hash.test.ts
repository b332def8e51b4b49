import { expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { frameContentHash } from '@/lib/store/writing/content-hash';
import { aFrame, type FrameParts } from '@/tests/builders/frame';

const hashOf = (parts: FrameParts) => frameContentHash(aFrame(1, parts)).toString('hex');

it('is 16 bytes and the same for the same content, in whatever order it came', () => {
  const frame = aFrame(1, { layers: { a: [1, 2], b: [3, 4] }, scalars: { x: 1, y: 2 } });
  const turned = aFrame(1, { layers: { b: [3, 4], a: [1, 2] }, scalars: { y: 2, x: 1 } });
  expect(frameContentHash(frame)).toHaveLength(16);
  expect(frameContentHash(turned)).toEqual(frameContentHash(frame));
});

it('leaves the wall time out', () => {
  expect(hashOf({ loss: 1, wallTime: 5 })).toBe(hashOf({ loss: 1, wallTime: 6 }));
});

it('differs where a name, a value or a place differs', () => {
  const histogram = {
    edges: Float32Array.of(0, 1),
    counts: Uint32Array.of(1),
    outside: new Uint32Array(4),
  };
  const contents = [
    {},
    { loss: 1 },
    { loss: 2 },
    { scalars: { lossy: 1 } },
    { layers: { a: [1, 2] } },
    { layers: { a: [2, 1] } },
    { layers: { b: [1, 2] } },
    { layers: { a: [1], b: [2] } },
    { layers: { a: [1, 2] }, histograms: { update: histogram } },
    { layers: { a: [1, 2] }, histograms: { ratio: histogram } },
    { layers: { a: [1, 2] }, histograms: { ratio: { ...histogram, counts: Uint32Array.of(2) } } },
  ];
  expect(new Set(contents.map(hashOf)).size).toBe(contents.length);
});

it('tells a posted NaN from what was not reported', () => {
  const missing = aFrame(1, { layers: { a: [NaN] } });
  bitsOf(missing.layerMetrics.get('a')!)[0] = MISSING_FLOAT32_BITS;
  expect(frameContentHash(missing)).not.toEqual(
    frameContentHash(aFrame(1, { layers: { a: [NaN] } })),
  );
});
