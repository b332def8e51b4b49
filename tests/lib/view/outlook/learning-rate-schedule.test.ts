import { describe, expect, it } from 'vitest';
import { readSchedule } from '@/lib/view/outlook/learning-rate-schedule';

describe('the schedule in the reported learning rates', () => {
  it('ends its warm-up at the first step of the peak rate', () => {
    expect(readSchedule([0, 1, 2, 3, 4], [0, 0.5, 1, 1, 0.6])).toEqual({
      newest: 0.6,
      peak: 1,
      warmUpEndStep: 2,
    });
  });
  it('has no warm-up where it begins at its peak', () => {
    expect(readSchedule([5, 6], [0.003, 0.003])?.warmUpEndStep).toBeNull();
  });
  it('passes over steps that report none', () => {
    expect(readSchedule([0, 1, 2], [NaN, 0.1, NaN])).toEqual({
      newest: 0.1,
      peak: 0.1,
      warmUpEndStep: null,
    });
    expect(readSchedule([0, 1], [NaN, NaN])).toBeNull();
    expect(readSchedule([], [])).toBeNull();
  });
});
