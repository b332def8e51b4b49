import { describe, expect, it } from 'vitest';
import { chooseLabels } from '@/lib/view/axes/place-labels';

describe('chooseLabels', () => {
  it('writes the first of those that touch, and all that stand apart', () => {
    const boxes = [
      { left: 100, right: 180 },
      { left: 150, right: 230 },
      { left: 0, right: 90 },
      { left: 184, right: 260 },
    ];
    expect(chooseLabels(boxes, 4)).toEqual([0, 2, 3]);
    expect(chooseLabels(boxes, 8)).toEqual([0, 2]);
  });

  it('writes nothing of nothing', () => {
    expect(chooseLabels([], 4)).toEqual([]);
  });
});
