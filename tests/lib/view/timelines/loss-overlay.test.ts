import { describe, expect, it } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import { prepareLossOverlay, spreadLabels } from '@/lib/view/timelines/loss-overlay';

const pointsOf = (losses: readonly (number | null)[], stride = 1): Bucket[] =>
  losses.map((loss, index) => ({
    fromStep: index * stride,
    toStep: index * stride,
    ...{ min: loss, max: loss, mean: loss, nonFiniteCount: loss === null ? 1 : 0 },
  }));
const aRun = (name: string, losses: readonly (number | null)[], stride = 1) => ({
  id: name,
  name,
  points: pointsOf(losses, stride),
});

describe('losses over each other', () => {
  it('share one scale of loss, logarithmic, and one of steps', () => {
    const { lines, yTicks } = prepareLossOverlay([aRun('a', [10, 1]), aRun('b', [1, 0.1], 2)], 0);
    const [a, b] = lines;
    expect(a?.segments).toEqual([
      [
        { x: 0, y: 1 },
        { x: 0.5, y: 0.5 },
      ],
    ]);
    expect(b?.segments[0]?.at(-1)).toEqual({ x: 1, y: 0 });
    expect(yTicks.map(({ tick, at }) => [tick.value, at])).toEqual([
      [0.1, 0],
      [1, 0.5],
      [10, 1],
    ]);
  });

  it('are linear where one is not positive', () => {
    const { lines } = prepareLossOverlay([aRun('a', [4, 2]), aRun('b', [0, 1])], 0);
    expect(lines[0]?.segments[0]?.at(-1)?.y).toBe(0.5);
    expect(lines[1]?.segments[0]?.at(-1)?.y).toBe(0.25);
  });

  it('break where a loss is not finite, and say where', () => {
    const [line] = prepareLossOverlay([aRun('a', [3, 2, null, 1])], 0).lines;
    expect(line?.segments).toHaveLength(2);
    expect(line?.nonFinite).toEqual([2 / 3]);
    expect(line).toMatchObject({ last: '1.00', lowest: '1.00', lastStep: '3' });
  });

  it('are told apart by strokes, six at most, which is said', () => {
    const many = Array.from({ length: 9 }, (_, index) => aRun(`r${index}`, [index + 1, 1]));
    const { lines, omitted } = prepareLossOverlay(many, 0.1);
    expect(lines).toHaveLength(6);
    expect(new Set(lines.map(({ dash }) => dash)).size).toBe(6);
    expect(omitted).toBe('6 of 9 losses');
  });

  it('leave out runs without a loss', () => {
    const { lines, omitted } = prepareLossOverlay([aRun('a', []), aRun('b', [2, 1])], 0);
    expect(lines.map(({ name }) => name)).toEqual(['b']);
    expect(omitted).toBeNull();
    expect(prepareLossOverlay([], 0)).toMatchObject({ lines: [], xTicks: [], yTicks: [] });
  });
});

describe('names beside the lines', () => {
  it('stand where the lines end, or as near as leaves room', () => {
    expect(spreadLabels([0.5, 0.1], 0.1)).toEqual([0.5, 0.1]);
    const [a = 0, b = 0, c = 0] = spreadLabels([0.5, 0.5, 0.52], 0.1);
    expect(Math.abs(b - a)).toBeGreaterThanOrEqual(0.1 - 1e-12);
    expect(c - b).toBeGreaterThanOrEqual(0.1 - 1e-12);
    expect(Math.max(...spreadLabels([1, 1, 1], 0.1))).toBe(1);
  });
});
