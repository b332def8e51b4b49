import type { RunSummary } from '../../contract/runs';
import { formatNumber, formatStep } from '../text/format-number';
import { NEVER_RECOVERED, recoveryWord } from '../spikes/recovery-words';
import {
  formatSilence,
  prepareRunStatus,
  type RunStatusKind,
  type RunStatusView,
} from './run-status';
import type { RunsFilter } from './runs-filter';
import { prepareWorstStage, type WorstStageView } from './worst-stage';

/** A kind of finding and how many of it; a count of loss spikes says how many are open. */
export interface FindingView {
  readonly kind: 'loss_spike' | 'divergence' | 'outlier_batch' | 'rms_spike';
  readonly text: string;
  /** "2 loss spikes, 1 open". */
  readonly label: string;
  readonly isOpen: boolean;
}

export interface RunRow {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly isPinned: boolean;
  /** "attempt 2"; null for a run that was never restarted. */
  readonly attempt: string | null;
  readonly status: RunStatusView;
  /** Grey words after the status: the age of a stale run's last frame. */
  readonly statusDetail: string | null;
  readonly findings: readonly FindingView[];
  readonly worstStage: WorstStageView;
  readonly lastStep: number | null;
  /** Loss spikes and divergences: where to look on the sparkline. */
  readonly spikeCount: number;
  readonly lastLoss: string;
  readonly isLastLossNonFinite: boolean;
  readonly step: string;
  readonly stepsPerSecond: string;
  readonly heard: string;
}

export interface RunGroup {
  readonly project: string;
  /** "31", or "12 of 31" while not all of its rows are here. */
  readonly count: string;
  readonly isClosed: boolean;
  readonly rows: readonly RunRow[];
}

/** What the server answered, and to which question. */
export interface ListedRuns {
  readonly runs: readonly RunSummary[];
  readonly total: number;
  readonly projects: readonly { readonly name: string; readonly runCount: number }[];
}

export interface RunsListView {
  readonly groups: readonly RunGroup[];
  /** "Showing 200 of 640". */
  readonly showing: string;
  readonly emptyReason: 'no_match' | null;
  /** How many more can be read. */
  readonly moreCount: number;
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
    notes: run.notes,
    isPinned: run.pinned,
    attempt: run.attempt > 1 ? `attempt ${run.attempt}` : null,
    status,
    statusDetail: status.kind === 'stale' && silenceMs !== null ? formatSilence(silenceMs) : null,
    findings: prepareFindings(run),
    worstStage: prepareWorstStage(run),
    lastStep: run.lastStep,
    spikeCount: run.spikeCount,
    lastLoss: run.isLastLossNonFinite ? 'NaN' : formatNumber(run.lastLoss),
    isLastLossNonFinite: run.isLastLossNonFinite,
    step: formatStep(run.lastStep),
    // What a run that has ended once did is no speed.
    stepsPerSecond: isRunning ? formatNumber(run.stepsPerSecond) : '–',
    heard: silenceMs === null ? '–' : formatSilence(silenceMs),
  };
}

const FINDINGS = [
  { kind: 'divergence', one: 'divergence', many: 'divergences' },
  { kind: 'loss_spike', one: 'loss spike', many: 'loss spikes' },
  { kind: 'outlier_batch', one: 'outlier batch', many: 'outlier batches' },
  { kind: 'rms_spike', one: 'RMS spike', many: 'RMS spikes' },
] as const;

const join = (...parts: readonly string[]) => parts.filter((part) => part !== '').join(', ');

/** The worst kind first. What is open, or was when its attempt ended, is a loss spike, or a divergence where there is no spike. */
function prepareFindings(run: RunSummary): readonly FindingView[] {
  const { findingCounts, openSpikeCount, neverRecoveredCount } = run;
  const goingOn = openSpikeCount - neverRecoveredCount;
  const counted = (count: number, word: string) =>
    count === 0 ? '' : `${formatStep(count)} ${word}`;
  const words = join(
    counted(goingOn, recoveryWord('open', false)),
    counted(neverRecoveredCount, NEVER_RECOVERED),
  );
  const openKind = (findingCounts['loss_spike'] ?? 0) > 0 ? 'loss_spike' : 'divergence';
  return FINDINGS.flatMap(({ kind, one, many }) => {
    const count = findingCounts[kind] ?? 0;
    if (count === 0) return [];
    const isUp = kind === openKind && openSpikeCount > 0;
    const open = isUp ? words : '';
    return [
      {
        kind,
        text: isUp && count === openSpikeCount ? open : join(formatStep(count), open),
        label: join(`${formatStep(count)} ${count === 1 ? one : many}`, open),
        isOpen: isUp && goingOn > 0,
      },
    ];
  });
}

/**
 * The rows as they were answered, in groups of their projects where that is asked for: the
 * project with the newest run first, which no live value moves.
 *
 * `runCount` is how many runs there are, filters aside; null while that is not known.
 */
export function prepareRunsList(
  { runs, total, projects }: ListedRuns,
  filter: RunsFilter,
  nowMs: number,
  runCount: number | null,
): RunsListView {
  const rows = runs.map((run) => prepareRunRow(run, nowMs));
  const closedCount = projects
    .filter(({ name }) => filter.closedProjects.includes(name))
    .reduce((sum, project) => sum + project.runCount, 0);
  return {
    groups: filter.isGrouped
      ? groupByProject(rows, projects, filter.closedProjects)
      : rows.length === 0
        ? []
        : [{ project: '', count: formatStep(total), isClosed: false, rows }],
    showing: describeShowing(rows.length, total, closedCount, runCount ?? total),
    emptyReason: total === 0 ? 'no_match' : null,
    moreCount: Math.max(0, total - closedCount - rows.length),
  };
}

function groupByProject(
  rows: readonly RunRow[],
  projects: ListedRuns['projects'],
  closedProjects: readonly string[],
): readonly RunGroup[] {
  return projects.map(({ name, runCount }) => {
    const isClosed = closedProjects.includes(name);
    const members = isClosed ? [] : rows.filter(({ project }) => project === name);
    const isWhole = isClosed || members.length >= runCount;
    return {
      project: name,
      count: isWhole
        ? formatStep(runCount)
        : `${formatStep(members.length)} of ${formatStep(runCount)}`,
      isClosed,
      rows: members,
    };
  });
}

/** "Showing 12 of 640"; what is loaded of what matches is said where that is not all of it. */
function describeShowing(
  shown: number,
  matching: number,
  closed: number,
  runCount: number,
): string {
  const open = matching - closed;
  const parts =
    shown < open && matching < runCount
      ? [
          `Showing ${formatStep(shown)} of ${formatStep(open)} that match`,
          `${formatStep(runCount)} in all`,
        ]
      : [`Showing ${formatStep(shown)} of ${formatStep(runCount)}`];
  if (closed > 0) parts.push(`${formatStep(closed)} in closed groups`);
  return parts.join(', ');
}

/** The kinds of status in the order in which a menu offers them. */
export const STATUS_LABELS: readonly { readonly value: RunStatusKind; readonly label: string }[] = [
  { value: 'live', label: 'Live' },
  { value: 'stale', label: 'Stale' },
  { value: 'waiting', label: 'No frames yet' },
  { value: 'finished', label: 'Finished' },
  { value: 'failed', label: 'Failed' },
  { value: 'stopped', label: 'Stopped' },
];
