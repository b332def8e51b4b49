import { describe, expect, it } from 'vitest';
import { bakeRamp, colourRamp, hexOfPacked, RAMP_STOPS } from '@/lib/view/colours/colour-ramp';
import { oklabFromHex } from '@/lib/view/colours/oklab';

const deltaE = (a: string, b: string) => {
  const [from, to] = [oklabFromHex(a), oklabFromHex(b)];
  return 100 * Math.hypot(from.l - to.l, from.a - to.a, from.b - to.b);
};

describe('colour ramps', () => {
  for (const theme of ['dark', 'light'] as const) {
    for (const name of ['below', 'above', 'strip', 'diverging'] as const) {
      it(`pass through the published stops (${theme} ${name})`, () => {
        const stops = RAMP_STOPS[theme][name];
        const table = colourRamp(theme, name);
        for (const { at, colour } of stops) {
          // Inner stops fall between two of the 256 entries: half an entry away at most.
          const entry = hexOfPacked(table[Math.round(at * 255)]!);
          expect(deltaE(entry, colour)).toBeLessThan(at === 0 || at === 1 ? 1e-9 : 0.7);
        }
      });
    }

    it(`breaks the hue at ε as widely as published (${theme})`, () => {
      const below = hexOfPacked(colourRamp(theme, 'below')[255]!);
      const above = hexOfPacked(colourRamp(theme, 'above')[0]!);
      expect(deltaE(below, above)).toBeGreaterThanOrEqual(theme === 'dark' ? 9.7 : 6.6);
      expect(Math.abs(oklabFromHex(below).l - oklabFromHex(above).l)).toBeLessThan(0.05);
    });
  }

  it('run from the background outwards: brighter on graphite, darker on paper', () => {
    const lightness = (theme: 'dark' | 'light') =>
      Array.from(colourRamp(theme, 'above'), (packed) => oklabFromHex(hexOfPacked(packed)).l);
    const isSorted = (values: number[], sign: number) =>
      values.every((value, i) => i === 0 || sign * (value - values[i - 1]!) > -0.004);
    expect(isSorted(lightness('dark'), 1)).toBe(true);
    expect(isSorted(lightness('light'), -1)).toBe(true);
  });

  it('mixes in OKLab: the middle of black and white is lighter than half of sRGB', () => {
    const table = bakeRamp([
      { at: 0, colour: '#000000' },
      { at: 1, colour: '#FFFFFF' },
    ]);
    expect(oklabFromHex(hexOfPacked(table[128]!)).l).toBeCloseTo(128 / 255, 2);
  });
});
