import { describe, expect, it } from 'vitest';
import { postmortemSchema, type Sentence } from '@/lib/contract/postmortem';
import { composePostmortem } from '@/lib/postmortem/compose-postmortem';
import type { PostmortemFacts } from '@/lib/postmortem/facts';
import {
  aStage,
  anAttempt,
  anEvent,
  someColumns,
  someFacts,
} from '@/tests/builders/postmortem-facts';
import { aSpike } from '@/tests/builders/spike';

const compose = (overrides: Partial<PostmortemFacts> = {}) =>
  composePostmortem(someFacts(overrides));
const textsOf = (sentences: readonly Sentence[], kind: Sentence['kind']) =>
  sentences.filter((sentence) => sentence.kind === kind).map(({ text }) => text);

describe('a postmortem', () => {
  it('is what the contract says, whatever it is made of', () => {
    for (const kind of ['loss_spike', 'outlier_batch', 'divergence', 'rms_spike'] as const) {
      const spike = aSpike({ kind, recovery: kind === 'divergence' ? 'diverged' : 'open' });
      expect(postmortemSchema.safeParse(compose({ spike })).error).toBeUndefined();
    }
  });

  it('says what the loss did, with the numbers behind it', () => {
    const [course] = compose().sentences;
    expect(course).toEqual({
      kind: 'course',
      text: 'The loss rose from 0.00480 to 1.76 between 551 and 553 and was back under its threshold at 562, 10 steps after onset.',
      evidence: [
        { metric: 'loss_baseline', layer: null, attempt: 1, step: 552, value: 0.0048 },
        { metric: 'loss', layer: null, attempt: 1, step: 552, value: 1.76 },
        { metric: 'loss', layer: null, attempt: 1, step: 553, value: 1.76 },
        { metric: 'loss', layer: null, attempt: 1, step: 562, value: 0.005 },
      ],
    });
  });

  it('measures movers by the norms of a job that posts no gradient RMS', () => {
    const jump = (step: number, layer: number) => (step === 551 && layer === 1 ? 64 : 0.64);
    const columns = someColumns({ layers: { gradient_norm: jump } });
    const mover = { layer: 1, metric: 'gradient_rms', step: 551, leadSteps: 1, z: 30 };
    const spike = {
      ...someFacts().spike,
      firstMovers: [mover],
      verdict: 'precursor_found' as const,
    };
    const [text] = textsOf(compose({ columns, spike }).sentences, 'precursor');
    // Of 4,096 parameters: 64/√4096.
    expect(text).toMatch(/h\.0\.mlp left its baseline \(gradient RMS 1\.00, ×100 its median\)/);
  });

  it('says on how many of the steps before layers were reported, where not on all', () => {
    const seldom = (isReported: (step: number) => boolean) => {
      const rms = (step: number) => (isReported(step) ? 1 : NaN);
      const columns = someColumns({ layers: { rms } });
      return textsOf(compose({ columns }).sentences, 'precursor')[0];
    };
    expect(seldom((step) => step % 5 === 0)).toBe(
      'No precursor found: nothing moved in the 10 steps before the loss rose at 552, but layers were reported on 2 of them alone.',
    );
    expect(seldom((step) => step < 540)).toMatch(/, but no layer was reported on any of them\.$/);
    expect(seldom(() => true)).toMatch(/rose at 552\.$/);
    expect(seldom(() => false)).toMatch(/rose at 552\.$/);
  });

  it('claims no more above than was watched', () => {
    const seldom = (k: number, spike = someFacts().spike) => {
      const rms = (step: number) => (step % k === 0 ? 1 : NaN);
      return compose({ columns: someColumns({ layers: { rms } }), spike });
    };
    expect(seldom(1).watchedSteps).toBe(10);
    expect(seldom(5)).toMatchObject({
      watchedSteps: 2,
      headline:
        'Loss spike at 552 without a precursor that was seen: layers were reported on 2 of the 10 steps before',
    });
    expect(seldom(100).headline).toMatch(/seen: no layer was reported on the 10 steps before$/);
    expect(seldom(700)).toMatchObject({
      watchedSteps: null,
      headline: 'No precursor: nothing moved before the loss rose at 552',
    });
    const diverged = { ...someFacts().spike, kind: 'divergence' as const };
    expect(seldom(5, diverged).headline).toMatch(/^Diverged at 552 without a precursor that was/);
    const globalMovers = [{ metric: 'gradient_norm', step: 551, leadSteps: 1, z: 9 }];
    const byNorm = { ...someFacts().spike, globalMovers, verdict: 'precursor_found' as const };
    expect(seldom(1, byNorm).headline).toBe(
      'Only the gradient norm moved, one step before the loss',
    );
    expect(seldom(5, byNorm).headline).toBe(
      'The gradient norm moved one step before the loss; layers were reported on 2 of the 10 steps before',
    );
  });

  it('says that nothing moved, and how often something does by chance', () => {
    const postmortem = compose();
    expect(postmortem.headline).toBe('No precursor: nothing moved before the loss rose at 552');
    expect(textsOf(postmortem.sentences, 'precursor')).toEqual([
      'No precursor found: nothing moved in the 10 steps before the loss rose at 552.',
    ]);
    expect(textsOf(postmortem.sentences, 'chance')).toEqual([
      'A precursor is found by chance before 1\u202f% of quiet steps (3 of 300).',
    ]);
  });

  it('names who left its baseline first, how far, and who came too late', () => {
    const mover = { layer: 0, metric: 'rms', step: 550, leadSteps: 2, z: 9 };
    const spike = aSpike({
      recovery: 'fast',
      recoveredStep: 562,
      firstMovers: [mover, { ...mover, layer: 1, step: 552, leadSteps: 0 }],
    });
    const columns = someColumns({
      layers: { rms: (step, layer) => (layer === 0 && step >= 550 ? 4 : 1) },
    });
    const { headline, sentences, movers } = compose({ spike, columns });
    expect(headline).toBe('wte moved 2 steps before the loss');
    expect(textsOf(sentences, 'precursor')).toEqual([
      'At 550, 2 steps before the loss rose, wte left its baseline (RMS 4.00, ×4.00 its median).',
      '1 layer moved with the loss, at 552, too late to announce it.',
    ]);
    expect(movers[0]).toMatchObject({ name: 'wte', value: 4, usual: 1, leadSteps: 2 });
    expect(movers[0]!.recent.slice(-12)).toEqual([1, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4].slice(-12));
  });

  it('says since when gradients were below ε', () => {
    const stages = [0, 1, 2].map((layer) =>
      aStage({ layer, stage: 'gradients_vanish', fromStep: 410 + layer }),
    );
    const { sentences } = compose({ stages: [...stages, aStage({ layer: 3 })] });
    const [sentence] = sentences.filter(({ kind }) => kind === 'stages');
    expect(sentence!.text).toBe(
      'Before it, gradients of 3 layers were below ε, the longest since step 410.',
    );
    expect(sentence!.evidence).toEqual(
      [0, 1, 2].map((layer) => ({
        ...{ metric: 'stage:gradients_vanish', layer, attempt: 1, step: 410 + layer, value: null },
      })),
    );
  });

  it('tells each stage and label by its own name, and what is missing by its', () => {
    const stages = [
      aStage({ stage: 'gradients_vanish', label: 'stale_v', fromStep: 410 }),
      aStage({ layer: 1, stage: 'trigger', label: 'structural_zeros', fromStep: 552 }),
    ];
    const { sentences } = compose({ stages });
    expect(
      sentences
        .filter(({ kind }) => kind === 'stages')
        .map(({ text, evidence }) => [text, evidence[0]?.metric]),
    ).toEqual([
      ['Before it, gradients of wte were below ε, since step 410.', 'stage:gradients_vanish'],
      [
        'Before it, v of wte remembered larger gradients, so that u and r were near 0 (stale v, not ε), since step 410.',
        'stage:stale_v',
      ],
      ['Through it, h.0.mlp was triggered from 552 on.', 'stage:trigger'],
    ]);
    const unknown = [0, 1].map((layer) => aStage({ layer, stage: 'insufficient_data' }));
    const run = {
      ...someFacts().run,
      missingStageInputs: ['second_moment_below_epsilon_fraction'],
    };
    expect(textsOf(compose({ stages: unknown, run }).sentences, 'stages')).toEqual([
      'No layer could be placed in a stage: share √v < ε was not reported.',
    ]);
  });

  it('says what an RMS spike did, layer by name, and one that has not come back', () => {
    const mover = { layer: 0, metric: 'rms', step: 552, leadSteps: 0, z: 9 };
    const firstMovers = [0, 1, 2].map((layer) => ({ ...mover, layer }));
    const rms = aSpike({ kind: 'rms_spike', firstMovers, recovery: 'fast', recoveredStep: 560 });
    expect(textsOf(compose({ spike: rms }).sentences, 'course')).toEqual([
      'RMS of wte, h.0.mlp and 1 other layer left its baseline at 552, rose to 1.76 and was back at 560, 8 steps later.',
    ]);
    expect(textsOf(compose({ spike: aSpike() }).sentences, 'course')).toEqual([
      'The loss rose from 0.00480 to 1.76 between 551 and 553 and has not come back by 700.',
    ]);
    const run = { ...someFacts().run, isRunning: false };
    expect(textsOf(compose({ spike: aSpike(), run }).sentences, 'course')).toEqual([
      'The loss rose from 0.00480 to 1.76 between 551 and 553 and had not come back when the attempt ended at 700.',
    ]);
  });

  it('does not say never where none of some steps is all that is known', () => {
    const spike = aSpike({ precursorChance: 0, chanceSteps: 251 });
    expect(textsOf(compose({ spike }).sentences, 'chance')).toEqual([
      'Chance seldom makes one: nothing had moved before any of 251 quiet steps.',
    ]);
  });

  it('takes two peaks of r for evidence only before the burst', () => {
    const columns = someColumns({
      layers: { ratio_dip: (step) => (step >= 552 ? 0.2 : 0.001) },
    });
    expect(textsOf(compose({ columns }).sentences, 'distribution')).toEqual([
      'At 551, before anything moved, r had one peak in every layer.',
      expect.stringMatching(/^At 552 r had two peaks in 4 layers\. .* no evidence/),
    ]);
  });

  it('says what changed before it, or that nothing did', () => {
    expect(textsOf(compose().sentences, 'changes')).toEqual([
      'Nothing that was posted changed between 452 and 552; the learning rate was 1e−3.',
    ]);
    const columns = someColumns({
      scalars: { learning_rate: (step) => (step < 540 ? 1e-3 : 2e-3) },
    });
    const events = [
      anEvent({ step: 500 }),
      anEvent({ step: 530, kind: 'hyperparameter', title: 'clip 1.0 → 5.0' }),
      anEvent({ step: 300, kind: 'hyperparameter', title: 'long ago' }),
      anEvent({ step: 600, kind: 'hyperparameter', title: 'afterwards' }),
    ];
    expect(textsOf(compose({ columns, events }).sentences, 'changes')).toEqual([
      'Changed between 452 and 552: setting: clip 1.0 → 5.0 (at 530); the reported learning rate went from 1e−3 to 2e−3 (at 540).',
    ]);
  });

  it('tells a warm-up as one climb', () => {
    const columns = someColumns({
      scalars: { learning_rate: (step) => 1e-4 * Math.min(20, Math.max(1, step - 499)) },
    });
    expect(textsOf(compose({ columns }).sentences, 'changes')).toEqual([
      'Changed between 452 and 552: the reported learning rate went from 1e−4 to 2e−3 (at 519).',
    ]);
  });

  it('says how the loss lay after a spike that its attempt did not outlive for long', () => {
    const full = someColumns({
      scalars: { loss: (step) => (step < 552 ? 0.005 : step < 562 ? 1.76 : 2.835 / (step - 552)) },
    });
    const columns = { ...full, steps: full.steps.filter((step) => step <= 581) };
    const spike = aSpike({
      ...{ recovery: 'fast', recoveredStep: 562, baseline: 0.005, levelShift: 0.135 },
    });
    const attempts = [anAttempt({ lastStep: 581 })];
    const ended = compose({
      ...{ columns, spike, attempts },
      run: { ...someFacts().run, isRunning: false },
    });
    expect(textsOf(ended.sentences, 'aftermath')).toEqual([
      'In the 19 losses after it the median was 28.0 times the level before; the last of them, at 581, was 19.6 times it.',
    ]);
    expect(ended.decision).toMatch(
      /^Nothing to go back for: .*, though its last loss, at 581, was still 19\.6 times the level before\./,
    );
    expect(compose({ columns, spike, attempts }).decision).not.toContain('though');
  });

  it('knows a batch that every step read, and one that did no harm elsewhere', () => {
    const fixed = someColumns({ scalars: { batch_id: () => 7 } });
    expect(textsOf(compose({ columns: fixed }).sentences, 'batch')).toEqual([
      'Every step around it read the same batch (batch_id 7): the data did not change.',
    ]);
    expect(compose({ columns: fixed }).skip).toBeNull();
    const repeated = someColumns({ scalars: { batch_id: (step) => step % 100 } });
    expect(textsOf(compose({ columns: repeated }).sentences, 'batch')).toEqual([
      'Step 552 read batch_id 52, which was read 1 more time without a spike (at 452): that batch alone does not make one.',
    ]);
    expect(compose({ columns: repeated }).skip).toMatchObject({
      fromStep: 552,
      toStep: 562,
      batchIds: [52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62],
    });
  });

  it('compares attempts that passed the same steps, with what they skipped', () => {
    const steps = Array.from({ length: 100 }, (_, index) => 520 + index);
    const others = [
      {
        attempt: 2,
        steps,
        loss: Float64Array.from(steps, (step) => (step === 555 ? 0.006 : 0.004)),
        gradientNorm: new Float64Array(steps.length).fill(NaN),
      },
    ];
    const attempts = [anAttempt(), anAttempt({ attempt: 2, resumeFromStep: 520 })];
    const events = [
      anEvent({ step: 550, attempt: 2, kind: 'batch_skip', title: 'batches 550 to 600' }),
    ];
    const postmortem = compose({ others, attempts, events });
    expect(textsOf(postmortem.sentences, 'attempts')).toEqual([
      'Attempt 2, restarted from 520 with skipped batches (batches 550 to 600), passed these steps without a spike: its loss was at most 0.00600, at 555.',
    ]);
    expect(
      postmortem.attempts.map(({ attempt, skippedBatches }) => [attempt, skippedBatches.length]),
    ).toEqual([
      [1, 0],
      [2, 1],
    ]);
    const again = compose({
      ...{ others, attempts, events },
      spikes: [aSpike({ id: 'again', attempt: 2, onsetStep: 553 })],
    });
    expect(textsOf(again.sentences, 'attempts')).toEqual([
      'Attempt 2, restarted from 520 with skipped batches (batches 550 to 600), spiked on these steps too, at 553, up to 1.76.',
    ]);
  });

  it('leads from a divergence to the spike that ended in it', () => {
    const began = aSpike({
      id: 'began',
      onsetStep: 540,
      recoveredStep: null,
      recovery: 'diverged',
    });
    const spike = aSpike({
      ...{ id: 'nan', kind: 'divergence', onsetStep: 552, recoveredStep: null },
      ...{ recovery: 'diverged', verdict: 'no_precursor', firstMovers: [], globalMovers: [] },
    });
    const { headline, decision, sentences } = compose({ spike, spikes: [began, spike] });
    expect(headline).toBe('Diverged at 552, in the loss spike that began at 540');
    expect(decision).toMatch(/^Decide by the postmortem of 540: /);
    expect(textsOf(sentences, 'precursor')).toEqual([
      expect.stringMatching(/^The loss had been up since 540, /),
    ]);
    const over = { ...began, recoveredStep: 548 };
    const alone = compose({ spike, spikes: [over, spike] });
    expect(alone.headline).toBe('Diverged at 552 without a precursor');
    expect(alone.decision).toMatch(/^Go back to /);
  });

  it('asks for nothing where a later attempt passed the same steps', () => {
    const { steps } = someColumns();
    const others = [
      {
        ...{ attempt: 2, steps, loss: Float64Array.from(steps, () => 0.004) },
        gradientNorm: new Float64Array(steps.length).fill(NaN),
      },
    ];
    const spike = aSpike({ recovery: 'open', recoveredStep: null });
    const attempts = [anAttempt(), anAttempt({ attempt: 2, resumeFromStep: 520 })];
    expect(compose({ spike, others, attempts }).decision).toMatch(
      /^Nothing to do: attempt 2, restarted from 520, passed these steps without a spike\./,
    );
    const again = aSpike({ id: 'again', attempt: 2, onsetStep: 553 });
    expect(compose({ spike, others, attempts, spikes: [again] }).decision).toMatch(
      /To train on, go back to /,
    );
  });

  it('ends by saying that this is association', () => {
    expect(compose().sentences.at(-1)).toMatchObject({ kind: 'limits' });
    expect(
      compose()
        .sentences.map(({ text }) => text)
        .join(' '),
    ).not.toMatch(/because|caused by/);
  });
});
