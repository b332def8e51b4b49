import { describe, expect, it } from 'vitest';
import { readRunsFilter } from '@/lib/view/runs/runs-filter';
import { prepareRunRow, prepareRunsList, type ListedRuns } from '@/lib/view/runs/runs-list';
import { aRun } from '../../../builders/run-summary';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');

const listed: ListedRuns = {
  runs: [
    aRun({ id: 'd', project: 'nanogpt', pinned: true }),
    aRun({ id: 'b' }),
    aRun({ id: 'c' }),
    aRun({ id: 'a', project: 'nanogpt' }),
  ],
  total: 4,
  projects: [
    { name: 'char-lm', runCount: 2 },
    { name: 'nanogpt', runCount: 2 },
  ],
};
const list = (query = '', over: Partial<ListedRuns> = {}, runCount: number | null = 4) =>
  prepareRunsList(
    { ...listed, ...over },
    readRunsFilter(new URLSearchParams(query)),
    NOW,
    runCount,
  );
const shape = (view: ReturnType<typeof list>) =>
  view.groups.map(({ project, count, rows }) => [project, count, rows.map(({ id }) => id)]);

describe('the runs', () => {
  it('are grouped by project in the order of the answer', () => {
    expect(shape(list())).toEqual([
      ['char-lm', '2', ['b', 'c']],
      ['nanogpt', '2', ['d', 'a']],
    ]);
    expect(shape(list('group=none'))).toEqual([['', '4', ['d', 'b', 'c', 'a']]]);
  });

  it('are not shown in a closed group, whose head says how many there are', () => {
    const view = list('closed=nanogpt');
    expect(shape(view)).toEqual([
      ['char-lm', '2', ['b', 'c']],
      ['nanogpt', '2', []],
    ]);
    expect(view.groups[1]).toMatchObject({ isClosed: true });
    const answered = list('closed=nanogpt', { runs: listed.runs.slice(1, 3) });
    expect(answered.showing).toBe('Showing 2 of 4, 2 in closed groups');
    expect(answered.moreCount).toBe(0);
  });

  it('keep a head for a project whose runs are on a later page', () => {
    const view = list('', {
      ...{ total: 640, projects: [...listed.projects, { name: 'late', runCount: 636 }] },
    });
    expect(shape(view).at(-1)).toEqual(['late', '0 of 636', []]);
    expect(view.moreCount).toBe(636);
  });

  it('say how many are shown, of those that match and of all', () => {
    expect(list().showing).toBe('Showing 4 of 4');
    expect(list('', { total: 640 }, 640).showing).toBe('Showing 4 of 640');
    expect(list('q=a', {}, 640).showing).toBe('Showing 4 of 640');
    expect(list('q=a', { total: 312 }, 640).showing).toBe(
      'Showing 4 of 312 that match, 640 in all',
    );
    expect(list('', {}, null).showing).toBe('Showing 4 of 4');
  });

  it('say that none matches', () => {
    const none = { runs: [], total: 0, projects: [] };
    expect(list('q=zzz', none)).toMatchObject({
      ...{ emptyReason: 'no_match', groups: [], showing: 'Showing 0 of 4', moreCount: 0 },
    });
    expect(list('q=zzz&group=none', none).groups).toEqual([]);
    expect(list().emptyReason).toBeNull();
  });
});

describe('a row', () => {
  it('writes what the run last said', () => {
    expect(prepareRunRow(aRun(), NOW)).toMatchObject({
      lastLoss: '0.148',
      step: '560',
      stepsPerSecond: '7.50',
      heard: '2 s',
      attempt: null,
      statusDetail: null,
    });
  });

  it('is stale after ten usual intervals, but not within a minute', () => {
    const silent = (seconds: number, stepsPerSecond: number | null) =>
      prepareRunRow(
        aRun({ lastFrameAt: new Date(NOW - seconds * 1000).toISOString(), stepsPerSecond }),
        NOW,
      );
    expect(silent(59, 7.5).status.kind).toBe('live');
    expect(silent(61, 7.5).status.kind).toBe('stale');
    expect(silent(150, 0.05).status.kind).toBe('live');
    expect(silent(201, 0.05).status.kind).toBe('stale');
    expect(silent(61, null).status.kind).toBe('stale');
    expect(silent(14 * 60, 7.5).statusDetail).toBe('14 min');
  });

  it('waits while no frame has come', () => {
    const row = prepareRunRow(aRun({ lastFrameAt: null, lastStep: null, lastLoss: null }), NOW);
    expect(row).toMatchObject({
      status: { kind: 'waiting' },
      heard: '–',
      step: '–',
      lastLoss: '–',
    });
  });

  it('counts what was found by kind, the worst first, with what is open', () => {
    const findings = (over: Parameters<typeof aRun>[0]) =>
      prepareRunRow(aRun(over), NOW).findings.map(({ label, isOpen }) => [label, isOpen]);
    expect(
      findings({
        openSpikeCount: 1,
        findingCounts: { rms_spike: 4, loss_spike: 2, outlier_batch: 1, divergence: 1 },
      }),
    ).toEqual([
      ['1 divergence', false],
      ['2 loss spikes, 1 open', true],
      ['1 outlier batch', false],
      ['4 RMS spikes', false],
    ]);
    expect(findings({ openSpikeCount: 1, findingCounts: { divergence: 1 } })).toEqual([
      ['1 divergence, 1 open', true],
    ]);
    expect(findings({})).toEqual([]);
    const [only] = prepareRunRow(
      aRun({ openSpikeCount: 1, findingCounts: { loss_spike: 1 } }),
      NOW,
    ).findings;
    expect(only).toMatchObject({ text: '1 open', label: '1 loss spike, 1 open' });
  });

  it('say of a spike that was open when the run ended that it never recovered', () => {
    const ended = (count: number) =>
      prepareRunRow(
        aRun({
          ...{ status: 'finished', openSpikeCount: 1, neverRecoveredCount: 1 },
          findingCounts: { loss_spike: count },
        }),
        NOW,
      ).findings;
    expect(ended(1)).toEqual([
      {
        kind: 'loss_spike',
        ...{ text: '1 never recovered', label: '1 loss spike, 1 never recovered' },
        isOpen: false,
      },
    ]);
    expect(ended(2)[0]).toMatchObject({ text: '2, 1 never recovered', isOpen: false });
  });

  it('tell what a restart left behind from what is open', () => {
    const restarted = (openSpikeCount: number) =>
      prepareRunRow(
        aRun({ openSpikeCount, neverRecoveredCount: 1, findingCounts: { loss_spike: 3 } }),
        NOW,
      ).findings;
    expect(restarted(1)).toMatchObject([{ text: '3, 1 never recovered', isOpen: false }]);
    expect(restarted(3)).toMatchObject([{ text: '2 open, 1 never recovered', isOpen: true }]);
  });

  it('names a loss that is not finite and the speed of no run that has ended', () => {
    const row = prepareRunRow(
      aRun({ lastLoss: null, isLastLossNonFinite: true, status: 'failed' }),
      NOW,
    );
    expect(row).toMatchObject({ lastLoss: 'NaN', stepsPerSecond: '–', status: { kind: 'failed' } });
  });
});
