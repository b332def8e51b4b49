import { describe, expect, it } from 'vitest';
import { prepareEventLane } from '@/lib/view/timelines/event-lane';

const axis = { low: 0, high: 100 };

describe('the event lane', () => {
  it('stands marks at their steps, from left to right, within the axis', () => {
    const marks = prepareEventLane(
      [
        { kind: 'note', step: 80, title: 'b' },
        { kind: 'checkpoint', step: 20, title: 'a' },
        { kind: 'note', step: 500, title: 'beyond' },
      ],
      axis,
      200,
    );
    expect(marks).toEqual([
      { kind: 'checkpoint', x: 40, step: 20, label: 'a' },
      { kind: 'note', x: 160, step: 80, label: 'b' },
    ]);
  });

  it('counts events of a kind that would overlap, and keeps kinds apart', () => {
    const checkpoints = Array.from({ length: 50 }, (_, i) => ({
      kind: 'checkpoint',
      step: 50 + i / 50,
      title: 'Checkpoint',
    }));
    const marks = prepareEventLane(
      [...checkpoints, { kind: 'loss_spike', step: 50, title: 'Loss spike' }],
      axis,
      200,
    );
    expect(marks.map(({ label, x }) => [label, x])).toEqual([
      ['Checkpoint and 49 more', 88],
      ['Loss spike', 100],
    ]);
  });
});
