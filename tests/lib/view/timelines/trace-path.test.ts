import { describe, expect, it } from 'vitest';
import { tracePath } from '@/lib/view/timelines/trace-path';

const frame = { ends: [0, 10] as const, width: 100, height: 50 };

describe('the path of a trace', () => {
  it('runs through its points and breaks where nobody reported', () => {
    const points = [
      { x: 0, value: 0 },
      { x: 5, value: 1 },
      { x: 6, value: null },
      { x: 10, value: 0.5 },
    ];
    expect(tracePath(points, { scale: 'linear', domain: [0, 1] }, frame)).toBe('M0 50L50 0M100 25');
  });

  it('places values of a log axis by their decades', () => {
    const points = [1, 10, 100].map((value, i) => ({ x: 5 * i, value }));
    expect(tracePath(points, { scale: 'log', domain: [1, 100] }, frame)).toBe('M0 50L50 25L100 0');
  });

  it('is empty without points', () => {
    expect(tracePath([], { scale: 'log', domain: [1, 100] }, frame)).toBe('');
  });
});
