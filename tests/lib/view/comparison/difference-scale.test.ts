import { describe, expect, it } from 'vitest';
import { hexOfPacked, RAMP_STOPS } from '@/lib/view/colours/colour-ramp';
import { moveColourEnd } from '@/lib/view/colours/colour-range';
import { encodeDeviation } from '@/lib/view/comparison/deviation-code';
import {
  bakeDifferenceTable,
  differenceBar,
  differenceTicks,
  endsOfDifference,
  fitDifferenceScale,
  formatDeviation,
  parseReach,
} from '@/lib/view/comparison/difference-scale';

const codesOf = (values: readonly number[]) =>
  Uint16Array.from(values, (value) => encodeDeviation(value, false));

describe('the colours of a difference', () => {
  it('reach as far as nearly all cells do, not to the one that went mad', () => {
    const values = Array.from({ length: 2000 }, (_, i) => Math.sin(i));
    expect(fitDifferenceScale({ kind: 'decades', codes: codesOf([...values, 30]) }).reach).toBe(1);
  });

  it('never stretch noise: a factor of two at least, ±1 without anything', () => {
    expect(fitDifferenceScale({ kind: 'decades', codes: codesOf([0.01, -0.02]) }).reach).toBe(
      Math.log10(2) > 0.25 ? Math.log10(2) : 0.25,
    );
    expect(fitDifferenceScale({ kind: 'linear', codes: codesOf([]) }).reach).toBe(1);
  });

  it('stand at the neutral colour for the same, and at the ends for the farthest', () => {
    const table = bakeDifferenceTable({ kind: 'decades', reach: 1 }, 'dark', '#ff5fc4');
    const colour = (value: number) => hexOfPacked(table[encodeDeviation(value, false)]!);
    const stops = RAMP_STOPS.dark.diverging.map(({ colour: stop }) => stop.toLowerCase());
    expect(colour(5)).toBe(stops.at(-1));
    expect(colour(-5)).toBe(stops[0]);
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour(0).slice(at, at + 2), 16));
    expect(Math.max(r!, g!, b!) - Math.min(r!, g!, b!)).toBeLessThan(12);
    expect(table[0]).toBe(0);
    expect(hexOfPacked(table[0xffff]!)).toBe('#ff5fc4');
  });

  it('are the same along the bar and in the table, and in a table that held others', () => {
    const scale = { kind: 'linear', reach: 0.3 } as const;
    const table = bakeDifferenceTable({ kind: 'linear', reach: 9 }, 'light', '#ff5fc4');
    expect(bakeDifferenceTable(scale, 'light', '#ff5fc4', table)).toBe(table);
    expect(table).toEqual(bakeDifferenceTable(scale, 'light', '#ff5fc4'));
    const bar = differenceBar(scale, 'light', 3);
    expect(bar[1]).toBe(table[encodeDeviation(0, false)]);
    expect(bar[0]).not.toBe(bar[2]);
    const inTable = new Set(table);
    expect(Array.from(bar).every((colour) => inTable.has(colour))).toBe(true);
  });

  it('reach as far as a person says, evenly to both sides', () => {
    expect(['0.5', '1e-3', null, '', '0', '-1', 'NaN', 'Infinity'].map(parseReach)).toEqual([
      ...[0.5, 1e-3],
      ...[null, null, null, null, null, null],
    ]);
    const ends = endsOfDifference({ kind: 'decades', reach: 2 });
    expect(moveColourEnd(ends, 'high', 0.75)).toEqual({ low: -1, high: 1 });
    expect(moveColourEnd(ends, 'low', -0.5)).toEqual({ low: -4, high: 4 });
    const texts = differenceTicks({ kind: 'decades', reach: 0.1 }).map(({ text }) => text);
    expect(texts).toEqual(['÷1.26', '÷1.12', '=', '×1.12', '×1.26']);
  });

  it('are told by factors, or by amounts with their sign', () => {
    expect(differenceTicks({ kind: 'decades', reach: 2 }).map(({ text }) => text)).toEqual([
      '÷100',
      '÷10',
      '=',
      '×10',
      '×100',
    ]);
    const [least] = differenceTicks({ kind: 'linear', reach: 0.5 });
    expect(least?.text).toBe('−0.4');
    expect(least?.position).toBeCloseTo(0.1, 9);
    expect(formatDeviation('decades', 0.5)).toBe('×3.16');
    expect(formatDeviation('decades', -99)).toBe('÷∞');
    expect(formatDeviation('linear', 0.2)).toBe('+0.2');
  });
});
