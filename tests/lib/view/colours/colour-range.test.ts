import { describe, expect, it } from 'vitest';
import {
  applyColourRange,
  formatColourRange,
  moveColourEnd,
  parseColourRange,
  roundColourRange,
} from '@/lib/view/colours/colour-range';
import type { ColourScale } from '@/lib/view/colours/colour-scale';

const log: ColourScale = { kind: 'log', low: 1e-4, high: 1, level: { value: 1e-5, label: 'ε' } };
const diverging: ColourScale = { kind: 'diverging', low: -2, high: 2, level: null };

describe('a colour range set by hand', () => {
  it('is read back from the URL as it was written', () => {
    expect(parseColourRange(formatColourRange({ low: 1.234e-6, high: 10 }))).toEqual({
      low: 1.23e-6,
      high: 10,
    });
    expect(parseColourRange('-1..1')).toEqual({ low: -1, high: 1 });
    for (const text of [null, '', '1', '2..1', 'a..b', '1..2..3', '..1']) {
      expect(parseColourRange(text)).toBeNull();
    }
  });

  it('is as near to what was dragged as the URL can hold, and never empty', () => {
    expect(roundColourRange({ low: 1.2345e-6, high: 9.876 })).toEqual({ low: 1.23e-6, high: 9.88 });
    expect(roundColourRange({ low: 1000.04, high: 1000.26 })).toEqual({ low: 1000, high: 1000.3 });
    const near = { low: 1, high: 1 + Number.EPSILON };
    expect(roundColourRange(near)).toEqual(near);
  });

  it('takes the place of the ends and leaves the level', () => {
    expect(applyColourRange(log, { low: 1e-2, high: 10 })).toEqual({ ...log, low: 1e-2, high: 10 });
    expect(applyColourRange(log, null)).toBe(log);
    // A link from a linear metric.
    expect(applyColourRange(log, { low: -1, high: 1 })).toBe(log);
  });

  it('moves one end along the scale, beyond it too, and never past the other', () => {
    expect(moveColourEnd(log, 'low', 0.5).low).toBeCloseTo(1e-2, 12);
    expect(moveColourEnd(log, 'high', 1.25).high).toBeCloseTo(10, 9);
    const { low, high } = moveColourEnd(log, 'low', 3);
    expect(low).toBeLessThan(high);
  });

  it('keeps a diverging scale even around 0', () => {
    expect(moveColourEnd(diverging, 'high', 0.75)).toEqual({ low: -1, high: 1 });
    expect(moveColourEnd(diverging, 'low', 0.25)).toEqual({ low: -1, high: 1 });
  });
});
