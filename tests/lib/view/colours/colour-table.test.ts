import { describe, expect, it } from 'vitest';
import {
  colourRamp,
  hexOfPacked,
  type RampName,
  type ThemeName,
} from '@/lib/view/colours/colour-ramp';
import { fitColourScale, positionOnScale, type ColourScale } from '@/lib/view/colours/colour-scale';
import { bakeColourTable, colourBar } from '@/lib/view/colours/colour-table';
import {
  CODE_COUNT,
  CODE_NON_FINITE,
  CODE_ZERO,
  decodeMagnitude,
  encodeMagnitude,
} from '@/lib/view/colours/magnitude-code';

const codes = (values: readonly number[]) =>
  Uint16Array.from(values, (value) => encodeMagnitude(value, 0));
const epsilon = { value: 1e-5, label: 'ε' };

const clamp = (share: number) => Math.min(Math.max(share, 0), 1);

/** The packed colour of a finite value by the rule alone; out of range that of the scale's end. */
function colourOfValue(scale: ColourScale, theme: ThemeName, value: number): number {
  const { kind, low, high, level } = scale;
  const coordinate = (of: number) => (kind === 'log' ? Math.log10(Math.max(of, 0)) : of);
  const between = (ramp: RampName, first: number, last: number) => {
    const share = (coordinate(value) - coordinate(first)) / (coordinate(last) - coordinate(first));
    const entry = first < last ? Math.round(clamp(share) * 255) : 255;
    return colourRamp(theme, ramp)[entry]!;
  };
  if (kind === 'diverging') return between('diverging', low, high);
  if (level === null) return between('above', low, high);
  if (value >= level.value) return between('above', Math.max(low, level.value), high);
  return between('below', low, level.value > low ? level.value : high);
}

describe('the colours of a scale', () => {
  it('breaks exactly at ε: blue just below, warm at it', () => {
    const scale = fitColourScale(codes([1e-7, 1e-5, 1]), 'log', epsilon);
    const above = colourRamp('dark', 'above');
    const below = colourRamp('dark', 'below');
    expect(colourOfValue(scale, 'dark', 1e-5)).toBe(above[0]);
    expect(colourOfValue(scale, 'dark', 1e-5 * (1 - 1e-9))).toBe(below[255]);
    expect(colourOfValue(scale, 'dark', scale.high * 100)).toBe(above[255]);
    expect(colourOfValue(scale, 'dark', 1e-30)).toBe(below[0]);
  });

  it('uses the warm ramp alone without a reference level', () => {
    const scale = fitColourScale(codes([1e-7, 1]), 'log', null);
    expect(colourOfValue(scale, 'light', scale.low)).toBe(colourRamp('light', 'above')[0]);
  });

  it('puts zero of a diverging scale in its middle', () => {
    const scale = fitColourScale(codes([-0.2, 0.9]), 'diverging', null);
    expect(positionOnScale(scale, 0)).toBeCloseTo(0.5);
    expect(hexOfPacked(colourOfValue(scale, 'dark', 0))).toMatch(/^#2[45]2[67]2[89]$/);
  });

  it('bakes special cells: NaN in its own colour, zero as the lowest blue, missing empty', () => {
    const scale = fitColourScale(codes([1e-7, 1]), 'log', epsilon);
    const table = bakeColourTable(scale, 'dark', '#FF5FC4');
    expect(hexOfPacked(table[CODE_NON_FINITE]!)).toBe('#ff5fc4');
    expect(table[CODE_ZERO]).toBe(colourRamp('dark', 'below')[0]);
    expect(table[0]).toBe(0);
    expect(table[encodeMagnitude(scale.high, 0)]).toBe(colourRamp('dark', 'above')[255]);
  });

  it.each<ColourScale>([
    { kind: 'log', low: 1e-7, high: 10, level: epsilon },
    { kind: 'log', low: 1e-3, high: 1, level: epsilon },
    { kind: 'log', low: 1e-9, high: 1e-6, level: epsilon },
    { kind: 'log', low: 1e-7, high: 10, level: null },
    { kind: 'linear', low: -2, high: 3, level: { value: 1, label: 'RMS 1' } },
    { kind: 'linear', low: 0, high: 1, level: null },
    { kind: 'diverging', low: -0.4, high: 0.4, level: null },
  ])('gives every code the colour of its value: %j', (scale) => {
    const table = bakeColourTable(scale, 'dark', '#FF5FC4');
    const wrong: number[] = [];
    let compared = 0;
    for (let code = 1; code < CODE_NON_FINITE; code++) {
      const value = decodeMagnitude(code);
      if (code === CODE_ZERO) continue;
      // In single precision a value, or its logarithm, may fall on the other side of two of
      // 256 colours.
      const nudge = scale.kind === 'log' ? 0 : 1e-9;
      const near = [value * (1 - 1e-5) - nudge, value, value * (1 + 1e-5) + nudge];
      const isRight = Number.isFinite(value)
        ? near.some((at) => colourOfValue(scale, 'dark', at) === table[code])
        : table[code] === 0;
      if (!isRight) wrong.push(code);
      compared++;
    }
    expect(wrong).toEqual([]);
    expect(compared).toBe(65_533);
  });

  it('bakes into the table of another scale as into a new one', () => {
    const wide: ColourScale = { kind: 'log', low: 1e-9, high: 1e3, level: epsilon };
    const narrow: ColourScale = { kind: 'log', low: 1e-3, high: 1, level: epsilon };
    const table = bakeColourTable(wide, 'dark', '#FF5FC4', new Uint32Array(CODE_COUNT));
    expect(bakeColourTable(narrow, 'dark', '#FF5FC4', table)).toBe(table);
    expect(table).toEqual(bakeColourTable(narrow, 'dark', '#FF5FC4'));
  });

  it('draws a bar from one end to the other that breaks at the level', () => {
    const scale: ColourScale = { kind: 'log', low: 1e-7, high: 1e-3, level: epsilon };
    const bar = Array.from(colourBar(scale, 'light', 100));
    const below = new Set(colourRamp('light', 'below'));
    expect(bar.slice(0, 50).every((colour) => below.has(colour))).toBe(true);
    expect(bar.slice(50).some((colour) => below.has(colour))).toBe(false);
    expect(bar.at(-1)).not.toBe(bar[50]);
  });
});
