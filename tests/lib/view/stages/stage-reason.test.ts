import { describe, expect, it } from 'vitest';
import type { ExplainedStage } from '@/lib/contract/reads';
import { STAGE_EVIDENCE, STAGE_NAMES, type StageEvidence } from '@/lib/contract/stages';
import { describeLayerOutlook } from '@/lib/view/stages/stage-outlook';
import { explainStage, stageAt } from '@/lib/view/stages/stage-reason';

const KNOWN: StageEvidence = {
  gradientRms: 2e-9,
  epsilon: 1e-8,
  secondMomentBelowEpsilonFraction: 0.83,
  updateStd: 0.0138,
  ratioStd: 0.4,
  healthyStd: 0.2294,
  updateDip: 0.188,
  ratioDip: 0.211,
  gradientCosine: 0.12,
  rms: 4.43,
  gradientJumpDecades: 2.6,
  structuralZeroFraction: 0.02,
  lossDisturbed: 1,
};

function anInterval(over: Partial<ExplainedStage> = {}): ExplainedStage {
  return {
    layer: 4,
    attempt: 1,
    stage: 'healthy',
    label: null,
    meaning: null,
    fromStep: 1,
    toStep: null,
    evidence: KNOWN,
    ...over,
  };
}

/** The stage at its first step, coming from `before`. */
const into = (stage: string, before: string, evidence: Partial<StageEvidence> = {}) =>
  explainStage(
    [
      anInterval({ stage: before, toStep: 99 }),
      anInterval({ stage, fromStep: 100, evidence: { ...KNOWN, ...evidence } }),
    ],
    100,
  );

describe('why a layer is in its stage', () => {
  it('is the rule that let it in, with the numbers that the rule saw', () => {
    expect(into('update_collapsed', 'healthy')).toMatchObject({
      letter: 'U',
      sinceStep: 100,
      sentence: 'Update collapsed since 100: ε holds the update down.',
      conditions: [
        { label: '√v < ε', value: '83\u202f%', asked: '≥ 50\u202f%' },
        { label: 'width of u to healthy', value: '6\u202f%', asked: '< 20\u202f%' },
      ],
    });
    expect(into('trigger', 'armed')).toMatchObject({
      sentence: 'Trigger since 100: the gradient jumped to 398 times the median of its last 64.',
      conditions: [{ value: '2.60 dec', asked: '≥ 1 decade' }],
    });
    expect(into('explosion', 'trigger', { updateStd: 0.424, ratioStd: 0.463 })?.conditions).toEqual(
      [
        { label: 'dip of u', value: '0.188', asked: '≥ 0.030' },
        { label: 'std u against r', value: '8\u202f% apart', asked: '< 25\u202f%' },
      ],
    );
  });

  it('depends on where the layer came from', () => {
    const because = (stage: string, before: string) => into(stage, before)?.sentence;
    expect(because('armed', 'correlating')).toContain('r has two peaks, which ε holds down');
    expect(because('armed', 'trigger')).toContain('the jump is over, and r still has two peaks');
    expect(because('update_collapsed', 'correlating')).toContain('lost their direction');
    expect(because('healthy', 'armed')).toContain('ε lets go of the update');
    expect(because('healthy', 'gradients_vanish')).toContain('came back above ε');
    expect(because('healthy', 'recovering')).toContain('40 steps have passed');
  });

  it('has words for every stage that there is, and for what comes after it', () => {
    for (const stage of STAGE_NAMES) {
      const reason = explainStage([anInterval({ stage })], 5);
      expect(reason?.sentence, stage).toMatch(/ since 1: .+\.$/);
      expect(describeLayerOutlook(stage, null), stage).not.toContain('says nothing');
    }
    expect(describeLayerOutlook('healthy', 'stale_v')).toContain('v decays');
  });

  it('names what is not known now, not what was not known at first', () => {
    const unknown = (over: Partial<StageEvidence>) => ({
      stage: 'insufficient_data',
      evidence: { ...KNOWN, ...over },
    });
    const intervals = [
      anInterval({
        ...unknown({ gradientCosine: null, secondMomentBelowEpsilonFraction: null }),
        toStep: 9,
      }),
      anInterval({
        ...unknown({ secondMomentBelowEpsilonFraction: null }),
        label: 'start_up',
        fromStep: 10,
      }),
    ];
    expect(explainStage(intervals, 20)?.sentence).toBe(
      'Too little data since 1: these are not known: share √v < ε.',
    );
  });

  it('counts from where the stage began, whatever was said beside it meanwhile', () => {
    const intervals = [
      anInterval({ stage: 'healthy', toStep: 99 }),
      anInterval({ stage: 'armed', fromStep: 100, toStep: 119 }),
      anInterval({
        stage: 'armed',
        fromStep: 120,
        label: 'stale_v',
        meaning: 'v remembers larger gradients',
        evidence: { ...KNOWN, ratioStd: 0.08, rms: 0.2 },
      }),
    ];
    const reason = explainStage(intervals, 130);
    expect(reason?.sinceStep).toBe(100);
    expect(reason?.beside).toEqual({
      sentence: 'Beside it, since 120, stale v: v remembers larger gradients.',
      conditions: [
        { label: 'width of r to healthy', value: '35\u202f%', asked: '< 50\u202f%' },
        { label: 'width of u to healthy', value: '6\u202f%', asked: '< 20\u202f%' },
        { label: 'RMS', value: '0.20', asked: '< 0.3: v' },
      ],
    });
  });

  it('says so where the numbers were not kept, and nothing where no stage was told', () => {
    expect(explainStage([anInterval({ evidence: null })], 5)?.sentence).toBe(
      'Healthy since 1. The numbers that decided it were not kept.',
    );
    expect(explainStage([anInterval({ fromStep: 50 })], 5)).toBeNull();
    expect(STAGE_EVIDENCE.every((name) => name in KNOWN)).toBe(true);
  });

  it('is of the newest attempt that has the step', () => {
    const intervals = [
      anInterval({ attempt: 2, stage: 'armed', fromStep: 10 }),
      anInterval({ attempt: 1, stage: 'healthy', toStep: 30 }),
    ];
    expect(stageAt(intervals, 20)?.stage).toBe('armed');
    expect(stageAt(intervals, 5)?.stage).toBe('healthy');
  });
});
