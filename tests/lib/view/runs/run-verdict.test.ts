import { describe, expect, it } from 'vitest';
import {
  prepareRunTitle,
  prepareRunVerdict,
  type RunVerdictInput,
} from '@/lib/view/runs/run-verdict';
import { aSpike } from '@/tests/builders/spike';

const spike = aSpike({ chanceSteps: null });
const input: RunVerdictInput = {
  status: { kind: 'live', ageMs: 400 },
  stepsPerSecond: 7.5,
  newestStep: 560,
  newestLoss: 0.148,
  isNewestLossNonFinite: false,
  lastFiniteStep: 560,
  lowestLoss: { value: 0.0043, step: 548 },
  spikes: [],
  attempt: 1,
  warnings: [],
  window: null,
  changes: null,
  layerNames: ['wte'],
};
const say = (patch: Partial<RunVerdictInput>) => {
  const { emphasis, sentence } = prepareRunVerdict({ ...input, ...patch });
  return emphasis === null ? sentence : `${emphasis} ${sentence}`;
};

describe('the verdict on a run', () => {
  it('names step and loss while training goes on', () => {
    expect(say({})).toBe('Training at step 560: loss 0.148, 34 times its lowest (0.00430 at 548).');
    expect(say({ newestLoss: 0.0044 })).toBe(
      'Training at step 560: loss 0.00440, lowest 0.00430 at 548.',
    );
    expect(say({ lowestLoss: { value: 0.148, step: 560 } })).toBe(
      'Training at step 560: loss 0.148, its lowest so far.',
    );
  });

  it('opens with an open spike and who moved first', () => {
    expect(say({ spikes: [spike] })).toBe(
      'Loss spike open since step 552: loss 0.148, 31 times its baseline.',
    );
    expect(prepareRunVerdict({ ...input, spikes: [spike] }).detail).toBe(
      'wte left its baseline at 551, one step before the loss rose.',
    );
    expect(
      prepareRunVerdict({
        ...input,
        spikes: [{ ...spike, verdict: 'no_precursor', firstMovers: [] }],
      }).detail,
    ).toBe('No precursor: nothing moved in the 10 steps before onset.');
    // A log without layers: what moved first was the gradient norm, which is no layer's.
    expect(prepareRunVerdict({ ...input, spikes: [{ ...spike, firstMovers: [] }] }).detail).toBe(
      'The gradient norm of the whole model left its baseline before the loss rose.',
    );
  });

  it('says of a spike that was open at the end of the run that it never recovered', () => {
    const finished = { status: { kind: 'finished' as const, ageMs: 400 }, spikes: [spike] };
    expect(say(finished)).toBe(
      'Loss spike never recovered from step 552 to the end at 560: loss 0.148, 31 times its baseline.',
    );
    expect(say({ ...finished, window: { fromStep: 540, toStep: 560 } })).toBe(
      'Spike 1 of 1 opened at 552, peaked at 1.76 on 553 and never recovered.',
    );
    expect(say({ spikes: [spike], window: { fromStep: 540, toStep: 560 } })).toBe(
      'Spike 1 of 1 opened at 552, peaked at 1.76 on 553 and is open.',
    );
  });

  it('leaves what an older attempt ended with to the past', () => {
    const restarted = { ...input, spikes: [spike], attempt: 2 };
    expect(say(restarted)).toMatch(/^Training at step 560: loss 0\.148/);
    expect(prepareRunVerdict(restarted).detail).toBe(
      '1 loss spike so far; the last opened at 552, peaked at 1.76 on 553 and never recovered.',
    );
  });

  it('tells a closed spike after the present', () => {
    const closed = { ...spike, recovery: 'fast' as const, recoveredStep: 562 };
    expect(prepareRunVerdict({ ...input, spikes: [closed] })).toMatchObject({
      mark: null,
      detail:
        '1 loss spike so far; the last opened at 552, peaked at 1.76 on 553, recovered by 562.',
    });
  });

  it('speaks of the one spike that a person looks at', () => {
    const closed = { ...spike, recovery: 'fast' as const, recoveredStep: 562 };
    const first = { ...closed, id: 's0', onsetStep: 318, peakStep: 319, recoveredStep: 336 };
    const spikes = [first, closed];
    expect(say({ spikes, window: { fromStep: 306, toStep: 345 } })).toBe(
      'Spike 1 of 2 opened at 318, peaked at 1.76 on 319, recovered by 336.',
    );
    expect(say({ spikes, window: { fromStep: 300, toStep: 600 } })).toMatch(
      /^Training at step 560/,
    );
    expect(say({ spikes, window: { fromStep: 400, toStep: 500 } })).toMatch(
      /^Training at step 560/,
    );
  });

  it('counts the layers that moved together', () => {
    const firstMovers = [0, 1, 2].map((layer) => ({ ...spike.firstMovers[0]!, layer }));
    expect(prepareRunVerdict({ ...input, spikes: [{ ...spike, firstMovers }] }).detail).toBe(
      'wte and 2 other layers left their baseline at 551, one step before the loss rose.',
    );
  });

  it('puts a loss that is not finite before all else', () => {
    expect(
      say({ newestStep: 4210, isNewestLossNonFinite: true, lastFiniteStep: 4209, spikes: [spike] }),
    ).toBe('Diverged at 4\u202f210: loss is NaN; the last finite step is 4\u202f209.');
  });

  it('dates a divergence by its first loss that is no number, not by the newest step', () => {
    const divergence = aSpike({ kind: 'divergence', onsetStep: 210, recoveredStep: null });
    const patch = { newestStep: 260, isNewestLossNonFinite: true, lastFiniteStep: 209 };
    expect(say({ ...patch, spikes: [spike, divergence] })).toBe(
      'Diverged at 210: loss is NaN; the last finite step is 209.',
    );
  });

  it('names the layer that was the first to report no number', () => {
    const nonFinite = [
      { layer: 0, sinceStep: 205 },
      { layer: 1, sinceStep: 205 },
      { layer: 2, sinceStep: 206 },
    ];
    const changes = {
      nonFinite,
      layerCount: 16,
      items: [],
      tenfoldCount: 0,
      historySteps: 64,
      newestStep: 260,
    };
    const diverged = { ...input, isNewestLossNonFinite: true, changes };
    expect(prepareRunVerdict(diverged).detail).toBe(
      'Gradient norm is not finite in 3 of 16 layers, first in wte and 1 other at 205.',
    );
    const since = { ...changes, nonFinite: [{ layer: 0, sinceStep: null }] };
    expect(prepareRunVerdict({ ...diverged, changes: since }).detail).toBe(
      'Gradient norm is not finite in 1 of 16 layers, in wte for longer than the last 64 steps.',
    );
  });

  it('says how the last spike ended, or that it did not', () => {
    const ended = (patch: Parameters<typeof aSpike>[0]) =>
      prepareRunVerdict({ ...input, spikes: [aSpike({ onsetStep: 401, ...patch })] }).detail;
    expect(ended({ recoveredStep: 420, recovery: 'fast' })).toMatch(/, recovered by 420\.$/);
    expect(ended({ recoveredStep: 420, recovery: 'partial' })).toMatch(
      /, recovered in part by 420\.$/,
    );
    expect(ended({ recoveredStep: null, recovery: 'unrecovered' })).toMatch(
      /^1 loss spike so far; the last opened at 401, .*, not recovered as long as it was followed\.$/,
    );
    expect(ended({ recoveredStep: null, recovery: 'diverged' })).toMatch(/a loss that is NaN\.$/);
  });

  it('names a tab by its trouble first', () => {
    expect(prepareRunTitle('llama', prepareRunVerdict({ ...input, spikes: [spike] }))).toBe(
      'Loss spike open · llama · Spikescope',
    );
    expect(prepareRunTitle('llama', prepareRunVerdict(input))).toBe('llama · Spikescope');
  });

  it('says how long nothing was heard', () => {
    expect(say({ status: { kind: 'stale', ageMs: 14 * 60_000 } })).toMatch(
      /^No frame for 14 min since step 560, usually one in 0.133 s: loss 0.148/,
    );
  });

  it('says how a run ended and that a run has no frames', () => {
    expect(say({ status: { kind: 'failed', ageMs: 5 } })).toMatch(/^Failed after step 560/);
    expect(say({ newestStep: null })).toBe('Waiting for the first frame.');
  });

  it('says that history is too short, or how many layers jumped', () => {
    const changes = {
      nonFinite: [],
      layerCount: 1,
      items: [],
      tenfoldCount: 0,
      historySteps: 5,
      newestStep: 560,
    };
    expect(prepareRunVerdict({ ...input, changes }).detail).toBe(
      'Too little history to compare layers: 5 of 64 steps.',
    );
    const jumped = {
      ...changes,
      historySteps: 64,
      tenfoldCount: 1,
      items: [{ layer: 0, factor: 757, value: 1, recent: [] }],
    };
    expect(prepareRunVerdict({ ...input, changes: jumped }).detail).toBe(
      'Gradient norm at least ten times its 64-step median in 1 of 1 layer, most in wte (×757).',
    );
  });
});
