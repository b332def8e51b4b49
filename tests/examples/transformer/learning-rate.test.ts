import { describe, expect, it } from 'vitest';
import { LearningRateSchedule } from '@/examples/transformer/learning-rate';

function rates(isProvoked: boolean, losses: readonly number[]) {
  const schedule = new LearningRateSchedule({ peak: 1, warmupSteps: 10, isProvoked });
  return losses.map((_, index) =>
    schedule.next(index + 1, index === 0 ? null : losses[index - 1]!),
  );
}

const level = (count: number) => new Array<number>(count).fill(0.01);

describe('LearningRateSchedule', () => {
  it('warms up linearly, then stays', () => {
    const plain = rates(false, level(500));

    expect(plain.slice(0, 12).map(({ learningRate }) => learningRate)).toEqual([
      0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1, 1,
    ]);
    expect(plain.at(-1)).toEqual({ learningRate: 1, isReset: false });
    expect(plain.some(({ isReset }) => isReset)).toBe(false);
  });

  it('goes down to a tenth and is reset once to twice its height when the loss is level', () => {
    const provoked = rates(true, level(300));

    expect(provoked[99]!.learningRate).toBe(1);
    expect(provoked[149]!.learningRate).toBeCloseTo(0.55, 10);
    expect(provoked[199]!.learningRate).toBeCloseTo(0.1, 10);
    expect(provoked[200]).toEqual({ learningRate: 2, isReset: true });
    expect(provoked[201]).toEqual({ learningRate: 2, isReset: false });
    expect(provoked.filter(({ isReset }) => isReset).length).toBe(1);
  });

  it('waits with the reset while the loss still moves', () => {
    const falling = Array.from({ length: 300 }, (_, i) => (i < 230 ? Math.exp(-i / 30) : 1e-6));
    const provoked = rates(true, falling);

    expect(provoked.findIndex(({ isReset }) => isReset)).toBe(250);
  });
});
