import { describe, expect, it } from 'vitest';
import { findMissed, judgeIncident, summariseJudgements } from '@/lib/alerts/judge-incidents';
import { aSpike } from '@/tests/builders/spike';

const spike = aSpike({ onsetStep: 552, riseStep: 554, recoveredStep: 562 });
const judge = (openedStep: number, over: { lastStep?: number; attempt?: number } = {}) =>
  judgeIncident({ attempt: over.attempt ?? 1, openedStep }, [spike], {
    ...{ horizon: 100, lastStep: over.lastStep ?? 10_000 },
  });

describe('what a rule would have said', () => {
  it('is true within the horizon before a spike, and while it lasts', () => {
    expect(judge(452)).toEqual({ verdict: 'true', spikeId: spike.id, leadSteps: 102 });
    expect(judge(552)).toMatchObject({ verdict: 'true', leadSteps: 2 });
    expect(judge(562)).toMatchObject({ verdict: 'true', leadSteps: -8 });
  });

  it('is false otherwise, and on another attempt', () => {
    const no = { verdict: 'false', spikeId: null, leadSteps: null };
    expect(judge(451)).toEqual(no);
    expect(judge(563)).toEqual(no);
    expect(judge(540, { attempt: 2 })).toEqual(no);
  });

  it('is undecided where the attempt does not go on for as long', () => {
    expect(judge(600, { lastStep: 699 }).verdict).toBe('too_early_to_say');
    expect(judge(600, { lastStep: 700 }).verdict).toBe('false');
  });

  it('misses the spikes that it came neither before nor with', () => {
    const later = aSpike({ id: 'later', onsetStep: 900, recoveredStep: null });
    const missed = (...steps: number[]) =>
      findMissed(
        steps.map((openedStep) => ({ attempt: 1, openedStep })),
        [spike, later],
        100,
      ).map(({ id }) => id);
    expect(missed()).toEqual([spike.id, 'later']);
    expect(missed(500)).toEqual(['later']);
    // One that never recovers has not ended.
    expect(missed(5_000)).toEqual([spike.id]);
  });

  it('is counted in words', () => {
    const summary = (trueCount: number, falseCount: number, undecidedCount: number) =>
      summariseJudgements({ trueCount, falseCount, undecidedCount });
    expect(summary(5, 2, 0)).toBe('7 times, 2 false');
    expect(summary(1, 0, 0)).toBe('once, none false');
    expect(summary(0, 1, 1)).toBe('twice, 1 false, 1 too early to say');
    expect(summary(0, 0, 3)).toBe('3 times, 3 too early to say');
    expect(summary(0, 0, 0)).toBe('never');
  });
});
