import { describe, expect, it } from 'vitest';
import { hexOfPacked, RAMP_STOPS } from '@/lib/view/colour-ramp';
import { encodeDeviation } from '@/lib/view/deviation-code';
import {
  bakeDifferenceTable,
  differenceTicks,
  fitDifferenceScale,
  formatDeviation,
} from '@/lib/view/difference-scale';

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
