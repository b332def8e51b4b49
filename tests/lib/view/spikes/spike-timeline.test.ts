import { describe, expect, it } from 'vitest';
import { composePostmortem } from '@/lib/postmortem/compose-postmortem';
import { describeNoMovers, prepareSpikeFacts } from '@/lib/view/spikes/spike-facts';
import { prepareSpikeTimeline, SPIKE_GUTTER, stepPosition } from '@/lib/view/spikes/spike-timeline';
import { anAttempt, anEvent, someFacts } from '@/tests/builders/postmortem-facts';
import { aSpike } from '@/tests/builders/spike';

const spike = aSpike({ recovery: 'fast', recoveredStep: 562 });
const timelineOf = (overrides = {}, width = 700) =>
  prepareSpikeTimeline(composePostmortem(someFacts({ spike, ...overrides })), width);

describe('the timeline of a postmortem', () => {
  it('lays steps on one axis from the gutter to the right edge', () => {
    const x = stepPosition({ fromStep: 500, toStep: 599 }, SPIKE_GUTTER + 100);
    expect([500, 599].map(x)).toEqual([SPIKE_GUTTER + 0.5, SPIKE_GUTTER + 99.5]);
    const { interval, marks } = timelineOf();
    const onset = marks.find(({ kind }) => kind === 'onset')!;
    expect(interval.from).toBe(onset.x);
    expect(interval.to).toBe(marks.find(({ kind }) => kind === 'recovered')!.x);
  });

  it('draws a loss over decades on a logarithmic axis, and says what was not reported', () => {
    const [loss, norm] = timelineOf().lanes;
    expect(loss!.ticks.map(({ tick }) => tick.value)).toEqual([0.01, 0.1, 1]);
    expect(loss!.lines[0]!.path).toMatch(/^M[\d.]+ [\d.]+h\.01L/);
    expect(norm).toMatchObject({ lines: [], emptyReason: 'not reported over these steps' });
  });

  it('names first movers left of the onset, and drops words that would lie on others', () => {
    const labels = (width: number) =>
      timelineOf({}, width).marks.map(({ label, side }) => `${label} ${side}`);
    expect(labels(900)).toEqual([
      '551 first movers left',
      '552 onset right',
      '562 recovered right',
    ]);
    expect(labels(360)).toEqual(['551 first movers left', '552 onset right', ' right']);
  });

  it('draws other attempts under the spike’s own line', () => {
    const steps = Array.from({ length: 60 }, (_, index) => 530 + index);
    const others = [
      {
        ...{ attempt: 2, steps, loss: new Float64Array(60).fill(0.004) },
        gradientNorm: new Float64Array(60).fill(NaN),
      },
    ];
    const attempts = [anAttempt(), anAttempt({ attempt: 2, resumeFromStep: 530 })];
    const events = [anEvent({ step: 545, kind: 'hyperparameter', title: 'clip 1.0' })];
    const { lanes, hasOthers, events: drawn } = timelineOf({ others, attempts, events });
    expect(hasOthers).toBe(true);
    expect(lanes[0]!.lines.map(({ attempt, isOwn }) => [attempt, isOwn])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(drawn.map(({ kind, title }) => `${kind}: ${title}`)).toEqual([
      'hyperparameter: setting: clip 1.0, step 545',
    ]);
  });
});

it('says the numbers at the head of a postmortem', () => {
  const facts = prepareSpikeFacts(spike, false).map(({ label, value, after }) =>
    [label, value, after].filter((part) => part !== undefined).join(' '),
  );
  expect(facts).toEqual([
    'verdict Precursor found',
    'kind Loss spike, fast',
    'lead 1 step',
    'by chance 1\u202f% of 300 steps',
    'onset 552',
    'peak 1.76 at 553',
    'baseline 0.00480',
    'recovered 562 10 steps',
  ]);
  const none = aSpike({
    verdict: 'no_precursor',
    precursorChance: null,
    peakStep: null,
    peakValue: null,
  });
  expect(prepareSpikeFacts(none, true)[1]).toEqual({
    label: 'kind',
    value: 'Loss spike, never recovered',
  });
  expect(prepareSpikeFacts(none, false)).toMatchObject([
    { value: 'No precursor' },
    { value: 'Loss spike, open' },
    { value: 'none' },
    { value: '–' },
    {},
    { value: '–' },
    {},
    { value: '–' },
  ]);
});

it('says what a verdict stands on where layers were not watched on every step', () => {
  const none = aSpike({ verdict: 'no_precursor', firstMovers: [] });
  const after = (...input: Parameters<typeof prepareSpikeFacts>) => prepareSpikeFacts(...input)[0];
  expect(after(none, true, 2)).toEqual({
    label: 'verdict',
    value: 'No precursor',
    after: 'layers on 2 of 10 steps',
  });
  expect(after(none, true, 10)).not.toHaveProperty('after');
  expect(after(none, true, null)).not.toHaveProperty('after');
  // A layer that was seen to move needs no more.
  expect(after(spike, true, 2)).not.toHaveProperty('after');
});

it('says of no first mover on how many of the steps layers were seen', () => {
  const none = aSpike({ verdict: 'no_precursor', firstMovers: [] });
  const text = 'No layer left its baseline in the 10 steps before the rise, or on it.';
  const words = (watchedSteps: number | null) => describeNoMovers({ spike: none, watchedSteps });
  expect([words(null), words(10)]).toEqual([text, text]);
  expect(words(2)).toBe(`${text} Layers were reported on 2 of them.`);
});
