import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunAttempt } from '@/lib/store/runs/run-context';
import { effectiveSegments, selectSegments } from '@/lib/store/runs/trajectory';

const END = Number.MAX_SAFE_INTEGER;

function attempts(...resumeSteps: readonly number[]): RunAttempt[] {
  return resumeSteps.map((resumeFromStep, index) => ({
    attempt: index + 1,
    resumeFromStep,
    optimizer: { name: 'adam' },
  }));
}

describe('effectiveSegments', () => {
  it('follows a newer attempt from its resume point on', () => {
    expect(effectiveSegments(attempts(0, 100))).toEqual([
      { attempt: 1, fromStep: 0, toStep: 99 },
      { attempt: 2, fromStep: 100, toStep: END },
    ]);
  });

  it('hides an attempt that a newer one went back behind', () => {
    expect(effectiveSegments(attempts(0, 100, 50))).toEqual([
      { attempt: 1, fromStep: 0, toStep: 49 },
      { attempt: 3, fromStep: 50, toStep: END },
    ]);
  });

  it('gives each step to the newest attempt that covers it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 8 }), (resumeSteps) => {
        const segments = effectiveSegments(attempts(...resumeSteps));
        for (let step = 0; step <= 25; step++) {
          const expected = resumeSteps.findLastIndex((resumeStep) => resumeStep <= step) + 1;
          const holders = segments.filter((it) => it.fromStep <= step && step <= it.toStep);
          expect(holders.map(({ attempt }) => attempt)).toEqual(expected === 0 ? [] : [expected]);
        }
        expect(segments).toEqual(segments.toSorted((a, b) => a.fromStep - b.fromStep));
      }),
    );
  });
});

describe('selectSegments', () => {
  const run = { id: 'r', attempts: attempts(0, 100) };

  it('cuts the trajectory to the asked range', () => {
    expect(selectSegments(run, 'effective', { fromStep: 90, toStep: 110 })).toEqual([
      { attempt: 1, fromStep: 90, toStep: 99 },
      { attempt: 2, fromStep: 100, toStep: 110 },
    ]);
    expect(selectSegments(run, 'effective', { fromStep: 120 })).toEqual([
      { attempt: 2, fromStep: 120, toStep: END },
    ]);
  });

  it('gives one attempt, or all, with everything they stored', () => {
    expect(selectSegments(run, 1, {})).toEqual([{ attempt: 1, fromStep: 0, toStep: END }]);
    expect(selectSegments(run, 'all', { toStep: 5 })).toHaveLength(2);
  });

  it('says that an attempt does not exist', () => {
    expect(() => selectSegments(run, 3, {})).toThrow(
      expect.objectContaining({ code: 'attempt_not_found' }),
    );
  });
});
