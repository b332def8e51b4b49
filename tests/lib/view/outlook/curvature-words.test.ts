import { describe, expect, it } from 'vitest';
import { WARNING_WORDS, type Warning } from '@/lib/contract/warnings';
import { describeOpenWarning, prepareCurvature } from '@/lib/view/outlook/curvature-words';

const warning: Warning = {
  id: '1-warm_up_too_short-2000',
  attempt: 1,
  kind: 'warm_up_too_short',
  metric: 'stability_ratio',
  fromStep: 2000,
  toStep: null,
  peakStep: 2100,
  peakValue: 1.31,
  learningRate: 6e-4,
  ...WARNING_WORDS.warm_up_too_short,
};

describe('the curvature of a run', () => {
  it('is not spoken of where it was never reported', () => {
    expect(prepareCurvature(null, [])).toBeNull();
  });

  it('is held against the limit in words', () => {
    const say = (value: number) => prepareCurvature({ step: 7, value }, [])!.sentence;
    expect(say(0.3)).toMatch(/^Below/);
    expect(say(0.9)).toMatch(/^Near/);
    expect(say(1.05)).toMatch(/^At the limit/);
    expect(say(1.5)).toMatch(/^Beyond/);
  });

  it('has what may help while a warning holds', () => {
    const { advice, ratio } = prepareCurvature({ step: 2100, value: 1.31 }, [warning])!;
    expect(ratio).toBe('1.31');
    expect(advice).toEqual([
      'The stability ratio is above 1 where the learning rate is highest: take a longer warm-up or a lower peak. Highest 1.31 at 2\u202f100.',
    ]);
    expect(prepareCurvature({ step: 1, value: 1 }, [{ ...warning, toStep: 9 }])!.advice).toEqual(
      [],
    );
  });

  it('stands in the verdict while a warning holds', () => {
    expect(describeOpenWarning([warning])).toBe(
      'Curvature above 1 at the peak rate since 2\u202f000, stability ratio up to 1.31.',
    );
    expect(describeOpenWarning([{ ...warning, toStep: 2200 }])).toBeNull();
  });
});
