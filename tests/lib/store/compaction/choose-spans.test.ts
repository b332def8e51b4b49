import { describe, expect, it } from 'vitest';
import { chooseSpan, type HotCell, type SpanLimits } from '@/lib/store/compaction/choose-spans';

const limits: SpanLimits = {
  floor: 0,
  ceiling: Infinity,
  sealedBelow: Infinity,
  knownBelow: Infinity,
  hasLayers: true,
};

/** Cells from counts of steps, by first step. */
const cells = (counts: Readonly<Record<number, number>>): HotCell[] =>
  Object.entries(counts).map(([firstStep, layeredSteps]) => ({
    firstStep: Number(firstStep),
    layeredSteps,
    rows: layeredSteps,
    sizeBytes: 0,
  }));

const sealed = (firstStep: number, span: number) => ({ kind: 'sealed', span: { firstStep, span } });

describe('chooseSpan', () => {
  it('takes 64 steps where more than 16 are reported', () => {
    expect(chooseSpan(cells({ 64: 17, 128: 17 }), limits)).toEqual(sealed(64, 64));
  });

  it('widens to the smallest span with more than 16, at most to 16,384', () => {
    expect(chooseSpan(cells({ 0: 7, 64: 6, 128: 7 }), limits)).toEqual(sealed(0, 256));
    expect(chooseSpan(cells({ 64: 1, 5000: 9 }), limits)).toEqual(sealed(0, 16_384));
  });

  it('does not widen over blocks that are there', () => {
    expect(chooseSpan(cells({ 64: 2, 128: 40 }), { ...limits, floor: 64 })).toEqual(sealed(64, 64));
    expect(chooseSpan(cells({ 0: 2, 64: 2 }), { ...limits, ceiling: 192 })).toEqual(sealed(0, 64));
  });

  it('does not widen to a span of more than 256 reported steps', () => {
    const dense = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [at * 64, at < 4 ? 2 : 64]),
    );
    expect(chooseSpan(cells(dense), limits)).toEqual(sealed(0, 256));
  });

  it('waits for the span to be sealed, not for the next', () => {
    const dense = cells({ 0: 64, 64: 64 });
    expect(chooseSpan(dense, { ...limits, sealedBelow: 63 })).toEqual({ kind: 'open' });
    expect(chooseSpan(dense, { ...limits, sealedBelow: 64 })).toEqual(sealed(0, 64));
    const sparse = cells({ 0: 7, 64: 6, 128: 6 });
    expect(chooseSpan(sparse, { ...limits, sealedBelow: 200 })).toEqual({ kind: 'open' });
  });

  it('asks for the counts that it needs', () => {
    const sparse = cells({ 0: 2 });
    expect(chooseSpan(sparse, { ...limits, knownBelow: 1024 })).toEqual({
      kind: 'unknown',
      until: 4096,
    });
  });

  it('lets scalars alone pass 64 steps at a time, and has nothing to do without rows', () => {
    const scalars = cells({ 128: 0 });
    expect(chooseSpan(scalars, { ...limits, hasLayers: false })).toEqual(sealed(128, 64));
    expect(chooseSpan([], limits)).toEqual({ kind: 'open' });
  });
});
