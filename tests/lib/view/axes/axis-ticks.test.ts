import { describe, expect, it } from 'vitest';
import { clearOfEnds } from '@/lib/view/axes/axis-ticks';

const tick = (value: number) => ({ value, text: String(value), exponent: null });

describe('ticks along the bottom', () => {
  it('leave out one whose text would touch the name of the axis', () => {
    expect(clearOfEnds([{ pixel: 0, tick: tick(1000) }], 500)).toEqual([]);
    expect(clearOfEnds([{ pixel: 0, tick: tick(0) }], 500)).toHaveLength(1);
  });

  it('move the text of one at the end back, and keep its line where its step is', () => {
    const [first, last] = clearOfEnds(
      [
        { pixel: 250, tick: tick(6000) },
        { pixel: 500, tick: tick(12000) },
      ],
      500,
    );
    expect(first).toMatchObject({ pixel: 250, textPixel: 250 });
    expect(last?.pixel).toBe(500);
    // Five characters of 6.2 px end 4 px beyond the axis.
    expect(last?.textPixel).toBeCloseTo(500 + 4 - (5 * 6.2) / 2, 9);
  });
});
