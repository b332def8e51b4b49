import { describe, expect, it } from 'vitest';
import type { RunStatus, RunSummary } from '@/lib/contract/runs';
import { prepareRunsVerdict, spellAge } from '@/lib/view/runs/runs-verdict';
import { aRun } from '../../../builders/run-summary';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const live = (name: string, over = {}) => aRun({ id: name, name, ...over });
const stale = (name: string, minutes: number) =>
  live(name, { lastFrameAt: new Date(NOW - minutes * 60_000).toISOString() });
const failed = (name: string, minutes: number) =>
  live(name, {
    status: 'failed',
    finishedAt: new Date(NOW - minutes * 60_000).toISOString(),
  });
const ended = (name: string, status: 'finished' | 'failed' | 'stopped') => live(name, { status });

const openSpike = { id: 's', kind: 'loss_spike', onsetStep: 1552 };

/** The verdict over these runs, as an overview tells of them. */
function verdictOver(runs: readonly RunSummary[]) {
  const statuses: Partial<Record<RunStatus, number>> = {};
  for (const { status } of runs) statuses[status] = (statuses[status] ?? 0) + 1;
  const running = runs.filter(({ status }) => status === 'running');
  const failed = runs.filter(({ status }) => status === 'failed');
  return prepareRunsVerdict({ running, failed, total: runs.length, statuses }, NOW);
}

describe('the verdict over the runs', () => {
  it('says how many are live, who is silent, and how the others ended', () => {
    const verdict = verdictOver([
      live('a'),
      live('b'),
      stale('C_stale_v', 14),
      ended('d', 'finished'),
      ended('e', 'finished'),
      ended('f', 'failed'),
    ]);
    expect(verdict.alarm).toBeNull();
    expect(verdict.sentence).toBe('Two runs are live.');
    expect(verdict.detail).toBe(
      'C_stale_v has sent nothing for 14 minutes. Two finished and one failed.',
    );
    expect(verdict.liveCount).toBe(2);
  });

  it('opens with a run that needs someone', () => {
    const verdict = verdictOver([live('a', { openSpikeCount: 1, openSpike }), live('b')]);
    expect(verdict.alarm).toEqual({ kind: 'loss_spike', words: 'One run needs you.', runId: 'a' });
    expect(verdict.sentence).toBe('a: loss spike open since step 1\u202f552.');
    expect(verdict.detail).toBe('Two runs are live.');
  });

  it('puts a loss of NaN before an open spike', () => {
    const verdict = verdictOver([
      live('a', { openSpikeCount: 2, openSpike }),
      live('b', { isLastLossNonFinite: true, lastLoss: null }),
    ]);
    expect(verdict.alarm).toMatchObject({
      kind: 'divergence',
      words: 'Two runs need you.',
      runId: 'b',
    });
    expect(verdict.sentence).toBe(
      'b: loss is NaN; a: two spikes are open, the newest since step 1\u202f552.',
    );
  });

  it('raises no alarm for a run that has ended', () => {
    expect(verdictOver([live('a', { status: 'failed', openSpikeCount: 1 })]).alarm).toBeNull();
  });

  it('raises no alarm for a spike that a restart left behind, and does not count it', () => {
    const left = { openSpike, neverRecoveredCount: 1 };
    expect(verdictOver([live('a', { ...left, openSpikeCount: 1 })]).alarm).toBeNull();
    expect(verdictOver([live('a', { ...left, openSpikeCount: 2 })]).sentence).toBe(
      'a: loss spike open since step 1\u202f552.',
    );
  });

  it('names a run that failed lately, and where, before it counts', () => {
    const verdict = verdictOver([live('a'), failed('night', 14), ended('old', 'failed')]);
    expect(verdict.sentence).toBe('night failed at step 560, 14 minutes ago.');
    expect(verdict.detail).toBe('One run is live. Two failed.');
    expect(verdict.failedRunId).toBe('night');
    expect(verdict.alarm).toBeNull();
  });

  it('keeps a sentence readable whatever a run is called', () => {
    const long = `${'n'.repeat(190)}-seed-7`;
    const verdict = verdictOver([stale(long, 14), failed(long, 3)]);
    expect(verdict.sentence).toMatch(/^n+…n+-seed-7 failed at step 560, 3 minutes ago\.$/);
    expect(`${verdict.sentence}${verdict.detail}`.length).toBeLessThan(200);
  });

  it('says nothing of a failure of the day before', () => {
    const verdict = verdictOver([live('a'), failed('night', 13 * 60)]);
    expect(verdict.sentence).toBe('One run is live.');
    expect(verdict.failedRunId).toBeNull();
  });

  it('names several that failed, the last one first', () => {
    const verdict = verdictOver([failed('first', 40), failed('second', 3)]);
    expect(verdict.sentence).toBe('second and first failed, the last one 3 minutes ago.');
    expect(verdict.failedRunId).toBe('second');
  });

  it('says that a run failed before it made a step', () => {
    const verdict = verdictOver([{ ...failed('early', 1), lastStep: null }]);
    expect(verdict.sentence).toBe('early failed before its first step, 1 minute ago.');
  });

  it('leaves the first sentence to what is open, and tells of the failure after it', () => {
    const verdict = verdictOver([live('a', { openSpikeCount: 1, openSpike }), failed('night', 14)]);
    expect(verdict.alarm?.runId).toBe('a');
    expect(verdict.failedRunId).toBeNull();
    expect(verdict.detail).toBe(
      'night failed at step 560, 14 minutes ago. One run is live. One failed.',
    );
  });

  it('names at most three silent runs', () => {
    const verdict = verdictOver(['a', 'b', 'c', 'd', 'e'].map((name, i) => stale(name, 5 + i)));
    expect(verdict.sentence).toBe('No run is live.');
    expect(verdict.detail).toBe(
      'a, b, c and two more have gone silent, the longest for 9 minutes.',
    );
  });

  it('counts at least those that it was told of where there are more', () => {
    const overview = {
      running: [live('a'), live('b')],
      failed: [],
      total: 900,
      statuses: { running: 700 },
    };
    expect(prepareRunsVerdict(overview, NOW).sentence).toBe('At least two runs are live.');
  });

  it('names runs that wait for their first frame', () => {
    const verdict = verdictOver([live('a', { lastFrameAt: null })]);
    expect(verdict.detail).toBe('a has no frames yet.');
  });

  it('has a sentence for a fresh install', () => {
    expect(verdictOver([])).toEqual({
      alarm: null,
      failedRunId: null,
      sentence: 'No runs yet.',
      detail: null,
      liveCount: 0,
    });
  });
});

describe('an age in a sentence', () => {
  it('is spelt out in whole units', () => {
    expect([61_000, 14 * 60_000, 3_600_000, 172_800_000].map(spellAge)).toEqual([
      '1 minute',
      '14 minutes',
      '1 hour',
      '2 days',
    ]);
  });
});
