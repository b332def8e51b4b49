import type { RunSummary } from '../contract/runs';
import { formatNumber, formatStep } from './format-number';
import { matchesRun, parseRunSearch } from './run-search';
import {
  formatSilence,
  prepareRunStatus,
  type RunStatusKind,
  type RunStatusView,
} from './run-status';

export interface RunRow {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly tags: readonly string[];
  readonly isPinned: boolean;
  /** "attempt 2"; null for a run that was never restarted. */
  readonly attempt: string | null;
  readonly status: RunStatusView;
  /** Grey words after the status: the age of a stale run's last frame. */
  readonly statusDetail: string | null;
  readonly spikeCount: number;
  readonly openSpikeCount: number;
  readonly worstStage: string | null;
  /** "69 layers", "no layers". */
  readonly layers: string;
  readonly lastStep: number | null;
  readonly lastLoss: string;
  readonly isLastLossNonFinite: boolean;
  readonly step: string;
  readonly stepsPerSecond: string;
  readonly heard: string;
}

export interface RunGroup {
  readonly project: string;
  readonly rows: readonly RunRow[];
}

export type StatusFilter = 'all' | RunStatusKind;

export interface RunsFilter {
  readonly search: string;
  readonly status: StatusFilter;
  readonly isGrouped: boolean;
}

export interface RunsListView {
  readonly groups: readonly RunGroup[];
  /** "Showing 3 of 8". */
  readonly showing: string;
  readonly searchError: string | null;
  readonly emptyReason: 'no_runs' | 'no_match' | null;
}

/** One row, all words decided. */
export function prepareRunRow(run: RunSummary, nowMs: number): RunRow {
  const status = prepareRunStatus(run, nowMs);
  const isRunning = run.status === 'running';
  const silenceMs =
    run.lastFrameAt === null ? null : Math.max(0, nowMs - Date.parse(run.lastFrameAt));
  return {
    id: run.id,
    name: run.name,
    project: run.project,
    tags: run.tags,
    isPinned: run.pinned,
    attempt: run.attempt > 1 ? `attempt ${run.attempt}` : null,
    status,
    statusDetail: status.kind === 'stale' && silenceMs !== null ? formatSilence(silenceMs) : null,
    spikeCount: run.spikeCount,
    openSpikeCount: run.openSpikeCount,
    worstStage: run.worstStage,
    layers: describeLayers(run.layerCount),
    lastStep: run.lastStep,
    lastLoss: run.isLastLossNonFinite ? 'NaN' : formatNumber(run.lastLoss),
    isLastLossNonFinite: run.isLastLossNonFinite,
    step: formatStep(run.lastStep),
    // What a run that has ended once did is no speed.
    stepsPerSecond: isRunning ? formatNumber(run.stepsPerSecond) : '–',
    heard: silenceMs === null ? '–' : formatSilence(silenceMs),
  };
}

function describeLayers(count: number): string {
  if (count === 0) return 'no layers';
  return `${formatStep(count)} ${count === 1 ? 'layer' : 'layers'}`;
}

/** Pinned first, then the newest. No live value takes part, so nothing moves while it is watched. */
function compareRuns(a: RunSummary, b: RunSummary): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  return Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? -1 : 1);
}

/**
 * The list as it is drawn: filtered, grouped by project (the project with the newest run
 * first) and sorted by what does not change while a run goes on.
 *
 * `total` is how many runs there are on the server, which may be more than were loaded.
 */
export function prepareRunsList(
  runs: readonly RunSummary[],
  total: number,
  filter: RunsFilter,
  nowMs: number,
): RunsListView {
  const search = parseRunSearch(filter.search);
  const rows = [...runs]
    .sort(compareRuns)
    .filter((run) => matchesRun(search, run))
    .map((run) => prepareRunRow(run, nowMs))
    .filter(({ status }) => filter.status === 'all' || status.kind === filter.status);
  return {
    groups: filter.isGrouped
      ? groupByProject(rows)
      : rows.length === 0
        ? []
        : [{ project: '', rows }],
    showing: `Showing ${formatStep(rows.length)} of ${formatStep(total)}`,
    searchError: search.kind === 'invalid' ? search.message : null,
    emptyReason: total === 0 ? 'no_runs' : rows.length === 0 ? 'no_match' : null,
  };
}

function groupByProject(rows: readonly RunRow[]): readonly RunGroup[] {
  const groups = new Map<string, RunRow[]>();
  for (const row of rows) groups.set(row.project, [...(groups.get(row.project) ?? []), row]);
  return Array.from(groups, ([project, members]) => ({ project, rows: members }));
}
