import { describe, expect, it } from 'vitest';
import { composePostmortem } from '@/lib/postmortem/compose-postmortem';
import type { PostmortemFacts } from '@/lib/postmortem/facts';
import { anAttempt, anEvent, someColumns, someFacts } from '@/tests/builders/postmortem-facts';
import { aSpike } from '@/tests/builders/spike';

const decide = (overrides: Partial<PostmortemFacts> = {}) =>
  composePostmortem(someFacts(overrides)).decision;
const at = (step: number) => [anAttempt({ lastStep: step })];
const upTo = (last: number) => {
  const columns = someColumns();
  const count = columns.steps.filter((step) => step <= last).length;
  return { ...columns, steps: columns.steps.slice(0, count) };
};
const open = { spike: aSpike({ firstMovers: [] }), attempts: at(580), columns: upTo(580) };
const ended = { ...someFacts().run, isRunning: false };

describe('what to do about a loss spike', () => {
  it('is nothing where it passed by itself', () => {
    expect(decide()).toBe('Nothing to go back for: it was over by itself after 10 steps.');
  });

  it('is to wait while it is young, and names the step from which waiting is over', () => {
    const events = [anEvent({ step: 430 })];
    expect(decide({ ...open, events })).toBe(
      'Wait until step 602: a fast spike is over within 50 steps. If the loss is still up then, go back to checkpoint 430 of attempt 1 and skip the batches of steps 552 to 553.',
    );
  });

  it('is to go back once it has been open for long, or never came back', () => {
    const events = [anEvent({ step: 430 }), anEvent({ step: 520 })];
    const long = { ...open, attempts: at(640), columns: upTo(640) };
    const where = 'o back to checkpoint 430 of attempt 1 and skip the batches of steps 552 to 553.';
    expect(decide({ ...long, events })).toBe(`The loss has been up for 88 steps: g${where}`);
    const lost = aSpike({ recovery: 'unrecovered', firstMovers: [] });
    expect(decide({ spike: lost, events })).toBe(`G${where}`);
  });

  it('says so where the only checkpoint is near, or none was posted', () => {
    const lost = aSpike({ recovery: 'unrecovered', firstMovers: [] });
    expect(decide({ spike: lost, events: [anEvent({ step: 520 })] })).toMatch(
      /checkpoint 520 of attempt 1 \(only 32 steps before onset; 100 or more have helped\)/,
    );
    expect(decide({ spike: lost })).toBe(
      'Go back to a checkpoint before 552, the first sign (none was posted) and skip the batches of steps 552 to 553.',
    );
  });

  it('knows an attempt that ended, and one that a restart left', () => {
    const words = /^The loss was still up when the attempt ended at 580\. To train on, go back/;
    expect(decide({ ...open, run: ended })).toMatch(words);
    const attempts = [...at(580), anAttempt({ attempt: 2, resumeFromStep: 500 })];
    expect(decide({ ...open, attempts })).toMatch(words);
  });

  it('leaves the batches alone where every step read the same', () => {
    const lost = aSpike({ recovery: 'unrecovered', firstMovers: [] });
    const columns = someColumns({ scalars: { batch_id: () => 7 } });
    expect(decide({ spike: lost, columns })).not.toMatch(/batch/);
  });

  it('names what fits the run as it goes on', () => {
    const columns = someColumns({
      layers: { rms: (step, layer) => (layer === 2 && step === 551 ? 4.4 : 1) },
    });
    expect(decide({ columns })).toMatch(/ Against the next one: clip updates by RMS\.$/);
  });
});

it('names the one batch of an outlier by the id that the run posts', () => {
  const spike = aSpike({ kind: 'outlier_batch', recovery: 'fast', recoveredStep: 553 });
  const columns = someColumns({ scalars: { data_index: (step) => step * 2 } });
  expect(decide({ spike, columns })).toBe(
    'Nothing to go back for: one bad batch, and the loss did not stay up. If these steps are trained again, leave out the batch of step 552 (data_index 1104).',
  );
});

it('sends the reader of an RMS spike to the loss spike that came after it', () => {
  const spike = aSpike({ id: 'rms', kind: 'rms_spike', onsetStep: 549, riseStep: 549 });
  expect(decide({ spike })).toBe('Nothing to go back for: no loss spike came within 8 steps.');
  expect(decide({ spike, spikes: [aSpike({ onsetStep: 552, riseStep: 553 })] })).toBe(
    'Decide by the postmortem of 552: the loss rose 4 steps later.',
  );
});

it('goes back from a divergence, which does not pass', () => {
  const spike = aSpike({ kind: 'divergence', recovery: 'diverged', firstMovers: [] });
  expect(decide({ spike, events: [anEvent({ step: 400 })] })).toMatch(
    /^Go back to checkpoint 400 of attempt 1 and skip the batches/,
  );
});
