import { describe, expect, it } from 'vitest';
import { prepareRunRow, prepareRunsList, type RunsFilter } from '@/lib/view/runs-list';
import { aRun } from '../../builders/run-summary';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');

const everything: RunsFilter = { search: '', status: 'all', isGrouped: true };
const runs = [
  aRun({
    id: 'a',
    name: 'adam',
    project: 'nanogpt',
    createdAt: '2026-11-20T10:00:00.000Z',
    status: 'finished',
    tags: ['baseline'],
  }),
  aRun({ id: 'b', name: 'B_spontaneous_spike' }),
  aRun({
    id: 'c',
    name: 'C_stale_v',
    createdAt: '2026-11-22T09:00:00.000Z',
    lastFrameAt: '2026-11-22T11:46:00.000Z',
  }),
  aRun({
    id: 'd',
    name: 'soap',
    project: 'nanogpt',
    createdAt: '2026-11-19T10:00:00.000Z',
    status: 'failed',
  }),
];
const list = (filter: Partial<RunsFilter> = {}, total = runs.length) =>
  prepareRunsList(runs, total, { ...everything, ...filter }, NOW);
const ids = (filter: Partial<RunsFilter> = {}) =>
  list(filter).groups.flatMap(({ rows }) => rows.map(({ id }) => id));

describe('the runs', () => {
  it('are grouped by project, the project with the newest run first', () => {
    expect(list().groups.map(({ project, rows }) => [project, rows.map(({ id }) => id)])).toEqual([
      ['char-lm', ['b', 'c']],
      ['nanogpt', ['a', 'd']],
    ]);
    expect(list({ isGrouped: false }).groups).toHaveLength(1);
  });

  it('keep their order whatever their live values do', () => {
    const later = runs.map((run) => ({
      ...run,
      lastStep: 9999,
      lastFrameAt: new Date(NOW).toISOString(),
    }));
    const after = prepareRunsList([...later].reverse(), 4, everything, NOW + 5000);
    expect(after.groups.flatMap(({ rows }) => rows.map(({ id }) => id))).toEqual(ids());
  });

  it('put pinned runs first', () => {
    const pinned = runs.map((run) => (run.id === 'd' ? { ...run, pinned: true } : run));
    const view = prepareRunsList(pinned, 4, { ...everything, isGrouped: false }, NOW);
    expect(view.groups[0]?.rows[0]?.id).toBe('d');
  });

  it('are found by text in any field, or by a regex, and counted against all', () => {
    expect(ids({ search: 'SPIKE' })).toEqual(['b']);
    expect(ids({ search: 'baseline' })).toEqual(['a']);
    expect(ids({ search: 'nanogpt' })).toEqual(['a', 'd']);
    expect(ids({ search: '/^[bc]_/' })).toEqual(['b', 'c']);
    expect(list({ search: 'spike' }).showing).toBe('Showing 1 of 4');
    expect(list().showing).toBe('Showing 4 of 4');
  });

  it('stay while a regex cannot be read, which is said', () => {
    expect(list({ search: '/(/' }).searchError).toMatch(/group/i);
    expect(ids({ search: '/(/' })).toHaveLength(4);
    expect(ids({ search: '/' })).toEqual([]);
  });

  it('are filtered by how they stand now, stale apart from live', () => {
    expect(ids({ status: 'live' })).toEqual(['b']);
    expect(ids({ status: 'stale' })).toEqual(['c']);
    expect(ids({ status: 'failed' })).toEqual(['d']);
  });

  it('say why nothing is shown', () => {
    expect(list({ search: 'zzz' }).emptyReason).toBe('no_match');
    expect(prepareRunsList([], 0, everything, NOW).emptyReason).toBe('no_runs');
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

  it('names a loss that is not finite and the speed of no run that has ended', () => {
    const row = prepareRunRow(
      aRun({ lastLoss: null, isLastLossNonFinite: true, status: 'failed' }),
      NOW,
    );
    expect(row).toMatchObject({ lastLoss: 'NaN', stepsPerSecond: '–', status: { kind: 'failed' } });
  });
});
