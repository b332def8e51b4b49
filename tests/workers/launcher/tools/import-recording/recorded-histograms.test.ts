import { describe, expect, it } from 'vitest';
import {
  type RecordedHistogram,
  joinHistograms,
  parseRecordedHistogram,
} from '@/workers/launcher/tools/import-recording/recorded-histograms';

const aHistogram = (overrides: Partial<RecordedHistogram> = {}): RecordedHistogram => ({
  lo: -2,
  hi: 2,
  counts: [1, 2, 30, 4],
  under: 0,
  over: 0,
  undef: 0,
  ...overrides,
});

describe('parseRecordedHistogram', () => {
  it('reads equal bins and takes what is not said as 0', () => {
    expect(parseRecordedHistogram({ lo: -1, hi: 1, bins: 2, counts: [3, 4] })).toEqual({
      lo: -1,
      hi: 1,
      counts: [3, 4],
      under: 0,
      over: 0,
      undef: 0,
    });
  });

  it.each([[null], [7], [{ lo: 1, hi: 1, counts: [1] }], [{ lo: 0, hi: 1, counts: [] }]])(
    'has none for %j',
    (value) => {
      expect(parseRecordedHistogram(value)).toBeNull();
    },
  );

  it('has none for counts that are none', () => {
    expect(parseRecordedHistogram({ lo: 0, hi: 1, counts: [1.5] })).toBeNull();
    expect(parseRecordedHistogram({ lo: 0, hi: 1, counts: [1], under: -1 })).toBeNull();
  });
});

describe('joinHistograms', () => {
  it('lays the layers in rows, with edges and what lies outside', () => {
    const joined = joinHistograms(
      [
        { update: null, ratio: aHistogram({ under: 5, over: 6, undef: 7 }) },
        { update: null, ratio: null },
      ],
      'ratio',
    );

    expect(joined).toEqual({
      edges: Float32Array.of(-2, -1, 0, 1, 2),
      counts: Uint32Array.of(1, 2, 30, 4, 0, 0, 0, 0),
      // 0/0 is an exact zero: r is defined as 0 there.
      outside: Uint32Array.of(5, 6, 7, 0, 0, 0, 0, 0),
    });
  });

  it('takes the updates of 0/0 coordinates out of the bin at 0: they are exact zeros', () => {
    const joined = joinHistograms(
      [{ update: aHistogram(), ratio: aHistogram({ undef: 20 }) }],
      'update',
    )!;

    expect(joined.counts).toEqual(Uint32Array.of(1, 2, 10, 4));
    expect(joined.outside).toEqual(Uint32Array.of(0, 0, 20, 0));
  });

  it('keeps the sum of all counts, whatever is moved', () => {
    const layers = [{ update: aHistogram({ under: 2 }), ratio: aHistogram({ undef: 31 }) }];
    const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
    const joined = joinHistograms(layers, 'update')!;

    // More 0/0 than the bin holds: the two distributions do not fit, so nothing is moved.
    expect(joined.counts[2]).toBe(30);
    expect(sum(joined.counts) + sum(joined.outside!)).toBe(39);
  });

  it('has none where no layer has one', () => {
    expect(joinHistograms([{ update: aHistogram(), ratio: null }], 'ratio')).toBeNull();
  });

  it('refuses layers of different bins', () => {
    const layers = [
      { update: null, ratio: aHistogram() },
      { update: null, ratio: aHistogram({ hi: 3 }) },
    ];

    expect(() => joinHistograms(layers, 'ratio')).toThrow(/layer 1: expected the bins/);
  });
});
