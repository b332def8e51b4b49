import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketSteps, BUCKETS_PER_ROW } from '@/lib/store/compaction/block-layout';
import { coverSpans, lowerBound } from '@/lib/store/reading/cover';

const anyAsk = fc
  .record({
    spans: fc.array(fc.tuple(fc.nat({ max: 9000 }), fc.nat({ max: 9000 })), { maxLength: 3 }),
    topLevel: fc.integer({ min: -1, max: 3 }),
    rows: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    staleSteps: fc.uniqueArray(fc.nat({ max: 20_000 }), { maxLength: 20 }),
  })
  .map(({ spans, staleSteps, ...rest }) => {
    let end = 0;
    return {
      ...rest,
      staleSteps: staleSteps.sort((a, b) => a - b),
      // Ascending and apart.
      spans: spans.map(([gap, length]) => {
        const fromStep = end + gap;
        end = fromStep + length;
        return { fromStep, endStep: end };
      }),
    };
  });

describe('coverSpans', () => {
  it('holds each step once, in rows that there are, and no stale step in a bucket', () => {
    fc.assert(
      fc.property(anyAsk, ({ spans, topLevel, rows, staleSteps }) => {
        const hasRow = (level: number, block: number) => rows[(level * 13 + block) % 40] === true;
        const nextRow = (level: number, block: number, endBlock: number) => {
          for (let next = block; next < endBlock; next++) if (hasRow(level, next)) return next;
          return null;
        };
        const cover = coverSpans(spans, { topLevel, nextRow, staleSteps });
        const ranges = [
          ...cover.spans,
          ...cover.pieces.map(({ level, block, fromBucket, endBucket }) => {
            expect(level).toBeLessThanOrEqual(topLevel);
            expect(hasRow(level, block)).toBe(true);
            expect(Math.floor(fromBucket / BUCKETS_PER_ROW)).toBe(block);
            expect(Math.floor((endBucket - 1) / BUCKETS_PER_ROW)).toBe(block);
            const width = bucketSteps(level);
            const range = { fromStep: fromBucket * width, endStep: endBucket * width };
            expect(staleSteps.some((step) => step >= range.fromStep && step < range.endStep)).toBe(
              false,
            );
            return range;
          }),
        ].sort((a, b) => a.fromStep - b.fromStep);
        // Joined where they touch, they are the spans asked for.
        const joined: { fromStep: number; endStep: number }[] = [];
        for (const range of ranges) {
          const last = joined.at(-1);
          if (last?.endStep === range.fromStep) last.endStep = range.endStep;
          else joined.push({ ...range });
        }
        const asked: { fromStep: number; endStep: number }[] = [];
        for (const span of spans.filter(({ fromStep, endStep }) => fromStep < endStep)) {
          const last = asked.at(-1);
          if (last?.endStep === span.fromStep) last.endStep = span.endStep;
          else asked.push({ ...span });
        }
        expect(joined).toEqual(asked);
      }),
    );
  });

  it('takes the highest level for what lies whole in its buckets, lower ones at the edges', () => {
    const { pieces, spans } = coverSpans([{ fromStep: 60, endStep: 1000 }], {
      topLevel: 1,
      nextRow: (_, block) => block,
    });
    expect(pieces).toEqual([
      { level: 1, block: 0, fromBucket: 1, endBucket: 15 },
      { level: 0, block: 0, fromBucket: 60, endBucket: 62 },
    ]);
    expect(spans).toEqual([
      { fromStep: 60, endStep: 64 },
      { fromStep: 992, endStep: 1000 },
    ]);
  });

  it('goes from row to row of what lies far apart, however many blocks are between', () => {
    const END = 2 ** 53;
    const rows = [0, 2 ** 40];
    const asked: number[] = [];
    const { pieces, spans } = coverSpans([{ fromStep: 0, endStep: END }], {
      topLevel: 0,
      nextRow: (_, block, endBlock) => {
        asked.push(block);
        return rows.find((row) => row >= block && row < endBlock) ?? null;
      },
    });
    expect(pieces.map(({ block }) => block)).toEqual(rows);
    expect(spans).toEqual([
      { fromStep: 1024, endStep: 1024 * 2 ** 40 },
      { fromStep: 1024 * (2 ** 40 + 1), endStep: END },
    ]);
    expect(asked).toHaveLength(3);
  });

  it('reads the quarters of a stale bucket that are not stale from the level below', () => {
    const { pieces, spans } = coverSpans([{ fromStep: 0, endStep: 128 }], {
      topLevel: 1,
      nextRow: (_, block) => block,
      staleSteps: [70],
    });
    expect(spans).toEqual([{ fromStep: 64, endStep: 80 }]);
    expect(pieces).toContainEqual({ level: 1, block: 0, fromBucket: 0, endBucket: 1 });
    expect(pieces).toContainEqual({ level: 0, block: 0, fromBucket: 5, endBucket: 8 });
  });
});

describe('lowerBound', () => {
  it('counts what is below', () => {
    expect([0, 1, 2, 5, 9].map((value) => lowerBound([1, 2, 2, 5], value))).toEqual([
      0, 0, 1, 3, 4,
    ]);
  });
});
