import { describe, expect, it } from 'vitest';
import type { AlertBacktestReply, BacktestIncident } from '@/lib/contract/alert-rules';
import {
  describeLead,
  describeUnjudged,
  prepareBacktest,
} from '@/lib/view/alerts/backtest-summary';

const told = (
  verdict: BacktestIncident['verdict'],
  spikeId: string | null = null,
): BacktestIncident => ({
  runId: 'a',
  attempt: 1,
  openedStep: 10,
  closedStep: null,
  title: 'loss 7 above 6 at step 10',
  layers: [],
  verdict,
  spikeId,
  leadSteps: null,
});

function reply(
  runId: string,
  items: readonly BacktestIncident[],
  missed: readonly string[] = [],
  caveat: string | null = null,
): AlertBacktestReply {
  const count = (verdict: BacktestIncident['verdict']) =>
    items.filter((item) => item.verdict === verdict).length;
  return {
    summary: '',
    items: items.map((item) => ({ ...item, runId })),
    trueCount: count('true'),
    falseCount: count('false'),
    undecidedCount: count('too_early_to_say'),
    missedSpikes: missed.map((spikeId) => ({ runId, spikeId, onsetStep: 5 })),
    runs: [{ runId, stepCount: 600, caveat, unjudged: [] }],
  };
}

describe('prepareBacktest', () => {
  it('adds the tries on single runs up', () => {
    const view = prepareBacktest([
      reply('a', [told('true', 's1'), told('true', 's1'), told('false')], ['s2']),
      reply('b', [told('true', 's3'), told('false'), told('true', 's4'), told('true', 's5')]),
    ]);
    expect(view.summary).toBe('7 times, 2 false');
    expect(view.detail).toBe('on 2 runs, 1\u202f200 steps; 4 of 5 spikes announced or told of');
    expect(view.incidents.map(({ runId }) => runId)).toEqual(['a', 'a', 'a', 'b', 'b', 'b', 'b']);
    expect(view.missed.map(({ spikeId }) => spikeId)).toEqual(['s2']);
  });

  it('counts a spike of each run that has one of the same id', () => {
    const view = prepareBacktest([
      reply('a', [told('true', '1-loss_spike-277'), told('true', '1-loss_spike-277')]),
      reply('b', [told('true', '1-loss_spike-277')]),
    ]);
    expect(view.detail).toMatch(/2 of 2 spikes/);
  });

  it('says so where nothing would have been told', () => {
    const view = prepareBacktest([reply('a', [], [], 'posts no such metric')]);
    expect(view.summary).toBe('Never');
    expect(view.detail).toBe('on 1 run, 600 steps, which had no spike');
    expect(view.caveats).toEqual([{ runId: 'a', text: 'posts no such metric' }]);
  });

  it('keeps apart what cannot be judged yet', () => {
    expect(prepareBacktest([reply('a', [told('too_early_to_say')])]).summary).toBe(
      'Once, 1 too early to say',
    );
    expect(prepareBacktest([reply('a', [told('true', 's'), told('true', 's')])]).summary).toBe(
      'Twice, none false',
    );
  });
});

describe('describeUnjudged', () => {
  const range = (attempt: number, fromStep: number) => ({
    attempt,
    fromStep,
    toStep: fromStep + 9,
  });

  it('says where a policy has left nothing to judge, beside what else is said of the run', () => {
    const first = reply('a', [], [], 'time was up');
    const runs = first.runs.map((run) => ({ ...run, unjudged: [range(1, 0), range(1, 1000)] }));
    expect(prepareBacktest([{ ...first, runs }]).caveats).toEqual([
      {
        runId: 'a',
        text: 'time was up; of steps 0 to 9, 1\u202f000 to 1\u202f009 the project’s policy has left rollups alone, and nothing could be found there',
      },
    ]);
  });

  it('names attempts where there are several, counts what is too many, and is silent of none', () => {
    expect(describeUnjudged([range(1, 0), range(2, 0), range(2, 20), range(2, 40)])).toBe(
      'of steps 0 to 9 of attempt 1, 0 to 9 of attempt 2, 20 to 29 of attempt 2, 1 more range the project’s policy has left rollups alone, and nothing could be found there',
    );
    expect(describeUnjudged([])).toBeNull();
  });
});

describe('describeLead', () => {
  it('tells before from after', () => {
    expect([2, 1, 0, -9, null].map(describeLead)).toEqual([
      '2 steps before',
      '1 step before',
      'with it',
      '9 steps after',
      null,
    ]);
  });
});
