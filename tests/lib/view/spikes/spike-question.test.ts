import { describe, expect, it } from 'vitest';
import { recurringBatchesSchema } from '@/lib/contract/recurring-batches';
import { spikeSearchSchema, type FoundSpike, type SpikeCounts } from '@/lib/contract/spike-search';
import { stageSearchSchema } from '@/lib/contract/stage-search';
import { describeRecurrence, judgeRecurrence } from '@/lib/view/spikes/recurring-words';
import {
  EXAMPLE_QUESTIONS,
  GROUP_CHOICES,
  KIND_CHOICES,
  NO_QUESTION,
  RECOVERY_CHOICES,
  RECURRING_KIND_CHOICES,
  SORT_CHOICES,
  STAGE_CHOICES,
  describeFault,
  groupHeading,
  timeChoices,
  isAsking,
  toApiQuery,
} from '@/lib/view/spikes/spike-question';
import {
  describeFound,
  formatParameters,
  prepareGroups,
  spikesTable,
} from '@/lib/view/spikes/spike-search-table';
import { writeCsv } from '@/lib/view/text/chart-table';

const parameters = (query: Record<string, string>) => new URLSearchParams(query);

/** As the API gets it: without what is null. */
const asked = (view: Parameters<typeof toApiQuery>[0], query: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(toApiQuery(view, parameters(query))).filter(([, value]) => value !== null),
  );

describe('a question in the URL', () => {
  it('is the query of the API, what is empty left out', () => {
    expect(asked('spikes', { layer: ' wte ', minLead: '5', view: 'spikes', q: '' })).toEqual({
      ...{ layer: 'wte', minLead: '5' },
    });
    const stages = { 'stages.stage': 'armed', stage: 'trigger', layer: 'wte' };
    expect(asked('stages', stages)).toEqual({ stage: 'armed', layer: 'wte' });
    expect(asked('recurring', { kind: 'rms_spike', within: '2' })).toEqual({ within: '2' });
  });

  it('is taken back whole', () => {
    const query = parameters({ layer: 'wte', 'stages.stage': 'armed', view: 'stages' });
    for (const [name, value] of Object.entries(NO_QUESTION)) {
      if (value === null) query.delete(name);
    }
    expect(query.toString()).toBe('view=stages');
    expect(isAsking('spikes', parameters({ groupBy: 'beta2', sort: 'lead' }))).toBe(false);
    expect(isAsking('spikes', parameters({ minLead: '1' }))).toBe(true);
  });

  it.each([
    ...KIND_CHOICES.map(({ value }) => ['kind', value] as const),
    ...RECOVERY_CHOICES.map(({ value }) => ['recovery', value] as const),
    ...GROUP_CHOICES.map(({ value }) => ['groupBy', value] as const),
    ...SORT_CHOICES.map(({ value }) => ['sort', value] as const),
    ...STAGE_CHOICES.map(({ value }) => ['stage', value] as const),
  ])('offers choices that the API takes: %s=%s', (field, value) => {
    expect(spikeSearchSchema.safeParse(asked('spikes', { [field]: value })).success).toBe(true);
  });

  it('offers choices and examples that the API takes', () => {
    for (const { value } of STAGE_CHOICES) {
      expect(stageSearchSchema.safeParse({ stage: value }).success).toBe(true);
    }
    for (const { value } of RECURRING_KIND_CHOICES) {
      const query = asked('recurring', { 'recurring.kind': value });
      expect(recurringBatchesSchema.safeParse(query).success).toBe(true);
    }
    for (const { patch } of EXAMPLE_QUESTIONS) {
      expect(spikeSearchSchema.safeParse(asked('spikes', patch)).success).toBe(true);
    }
  });

  it('offers times from midnight on, and the one that an old link has', () => {
    const now = Date.UTC(2026, 10, 23, 3, 40);
    const values = timeChoices(now, '2026-11-16T00:00:00Z').map(({ value }) => value);
    expect(values).toEqual([
      ...['', '2026-11-22T00:00:00Z', '2026-11-16T00:00:00Z', '2026-10-24T00:00:00Z'],
    ]);
    expect(timeChoices(now, '2026-01-05T00:00:00Z').at(-1)!.label).toBe('Since 2026-01-05');
    expect(timeChoices(null, '')).toHaveLength(1);
    for (const value of values.slice(1)) {
      expect(spikeSearchSchema.safeParse({ from: value }).success).toBe(true);
    }
  });

  it('names the field that the server found a fault in', () => {
    expect(describeFault('config: "beta": expected a value')).toEqual({
      ...{ field: 'config', text: '"beta": expected a value' },
    });
    expect(describeFault('kind.0: no')).toEqual({ field: 'kind', text: 'no' });
    expect(
      describeFault(
        'layer: expected a regular expression between slashes: invalid regular expression: parentheses () not balanced',
      ),
    ).toEqual({ field: 'layer', text: 'no regular expression: parentheses () not balanced' });
    expect(describeFault('the search took too long')).toEqual({
      ...{ field: null, text: 'the search took too long' },
    });
  });

  it('heads groups by what they are of', () => {
    expect(['model_size', 'mover_kind', 'beta2', 'config.a.b'].map(groupHeading)).toEqual([
      ...['Model size', 'First mover’s kind', 'β₂', 'a.b'],
    ]);
  });
});

const COUNTS: SpikeCounts = {
  ...{ spikeCount: 214, spikeRunCount: 36, runCount: 120, attemptCount: 140, steps: 5_100_000 },
  ...{ spikesPer10kSteps: 0.4196, medianLead: 2.5, leadCount: 120, precursorCount: 58 },
  ...{ judgedCount: 116, lostSteps: 12_300 },
};

describe('what was found', () => {
  it('is said with its denominators', () => {
    expect(describeFound(COUNTS)).toEqual({
      sentence: '214 spikes in 36 of 120 runs, 0.420 in 10\u202f000 steps.',
      detail:
        'Median lead 2.5 steps over 120 spikes; a precursor before 50\u202f% of the 116 with enough history; 12\u202f300 of 5\u202f100\u202f000 steps lost.',
    });
    const none = { ...COUNTS, spikeCount: 0, medianLead: null, judgedCount: 0, lostSteps: 0 };
    expect(describeFound(none)).toEqual({
      sentence: 'No such spike in 120 runs, over 5\u202f100\u202f000 steps.',
      detail: '',
    });
    expect(describeFound({ ...none, runCount: 0 }).sentence).toBe('No run matches.');
    expect(describeFound({ ...COUNTS, steps: null, spikesPer10kSteps: null }).sentence).toBe(
      '214 spikes in 36 of 120 runs.',
    );
  });

  it('is compared by rates, and by spikes where there are none', () => {
    const group = (key: string | null, below: number | null, over: Partial<SpikeCounts>) => ({
      ...{ ...COUNTS, ...over, key, below },
    });
    const rows = prepareGroups(
      [
        group('100000000', 1e9, { spikesPer10kSteps: 0.1 }),
        group('1000000000', null, { spikesPer10kSteps: 0.4, medianLead: null }),
        group(null, null, { spikesPer10kSteps: 0 }),
      ],
      'model_size',
    );
    expect(rows.map(({ label, bar }) => [label, bar])).toEqual([
      ['100 M to 1 B', 0.25],
      ['1 B and more', 1],
      ['not said', 0],
    ]);
    expect(rows[1]!.medianLead).toBe('–');
    const untimed = { steps: null, spikesPer10kSteps: null };
    const byKind = [group('rms_spike', null, { ...untimed, spikeCount: 5 })];
    expect(prepareGroups(byKind, 'kind')[0]).toMatchObject({
      label: 'rms spike',
      bar: 1,
      rate: '–',
    });
    expect(prepareGroups([group('0.00000001', null, {})], 'epsilon')[0]!.label).toBe('1e−8');
    expect(prepareGroups([group('lm_head', null, {})], 'mover_layer')[0]!.label).toBe('lm_head');
    const endings = ['unrecovered', 'open', 'never_recovered'].map((key) => group(key, null, {}));
    expect(prepareGroups(endings, 'recovery').map(({ label }) => label)).toEqual([
      ...['not recovered', 'open', 'never recovered'],
    ]);
  });

  it('has sizes as people say them', () => {
    expect([0, 999, 1000, 415_872, 999_999, 6_738_415_616, 1e12].map(formatParameters)).toEqual([
      ...['0', '999', '1 k', '416 k', '1 M', '6.74 B', '1 T'],
    ]);
  });

  it('is a file with every field, quoted where it must be', () => {
    const spike: FoundSpike = {
      run: { id: 'b', name: 'B, again', project: 'the "big" one' },
      optimizer: { name: 'adamw', beta2: 0.95 },
      ...{ parameters: 12, id: '1-loss_spike-9', attempt: 1, kind: 'loss_spike', onsetStep: 9 },
      ...{ riseStep: 9, peakStep: null, peakValue: null, baseline: 2, recoveredStep: null },
      ...{
        recovery: 'open',
        hasEnded: true,
        verdict: 'no_precursor',
        mover: null,
        lostSteps: 3,
        at: null,
      },
      postmortem: '/runs/b/spikes/1-loss_spike-9',
    };
    const [head, row] = writeCsv(spikesTable([spike]));
    expect(head!.split(',').length).toBe(24);
    expect(row).toBe(
      'b,"the ""big"" one",1,1-loss_spike-9,loss_spike,,9,9,,,2,,never_recovered,no_precursor,,,,3,12,adamw,,0.95,,/runs/b/spikes/1-loss_spike-9\r\n',
    );
  });
});

describe('recurring batches in words', () => {
  const item = {
    ...{ fromStep: 9, toStep: 9, runCount: 3, watchedCount: 4, tail: 1e-6, expected: 1e-4 },
    ...{ isSameBatch: null, events: [] },
  };

  it('make no cause of a chance', () => {
    expect(judgeRecurrence(item)).toBe('rare by chance: look at the batch');
    expect(judgeRecurrence({ ...item, isSameBatch: true })).toBe('the same batch each time');
    expect(judgeRecurrence({ ...item, expected: 0.3 })).toBe('may be chance');
    expect(judgeRecurrence({ ...item, expected: 2, isSameBatch: true })).toBe(
      'chance makes as many',
    );
    expect(judgeRecurrence({ ...item, isSameBatch: false })).toMatch(/other batches/);
  });

  it('say what chance makes beside what there is', () => {
    const run = { id: 'a', name: 'a', fromStep: 0, toStep: 9, eventCount: 1, share: 0.1 };
    const order = {
      ...{ settings: { data_order: 'v1' }, runs: [run, run], placeCount: 5, pairCount: 6 },
      ...{ expectedPairs: 0.021, items: [item], itemCount: 1 },
    };
    expect(describeRecurrence(order)).toBe(
      '1 of 5 places with an event are shared by two or more of 2 runs: 6 pairs, where chance alone makes 0.0210.',
    );
    expect(describeRecurrence({ ...order, itemCount: 0 })).toMatch(/none is shared; chance alone/);
    expect(describeRecurrence({ ...order, placeCount: 0 })).toBe(
      'Nothing happened in these 2 runs.',
    );
  });
});
