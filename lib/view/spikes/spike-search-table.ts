/** What the spikes of many runs come to, in words and rows. */
import type { FoundSpike, SpikeCounts, SpikeGroup } from '../../contract/spike-search';
import type { ChartTable, TableCell, TableColumn } from '../text/chart-table';
import {
  formatCount,
  formatFixed,
  formatNumber,
  formatPercent,
  formatSetting,
  formatStep,
} from '../text/format-number';
import { ENDING_OPTIONS, endingOf } from './recovery-words';

/** "214 spikes in 36 of 120 runs, 0.42 in 10 000 steps". */
export function describeFound(total: SpikeCounts): {
  readonly sentence: string;
  readonly detail: string;
} {
  const { spikeCount, spikeRunCount, runCount, spikesPer10kSteps } = total;
  if (runCount === 0) return { sentence: 'No run matches.', detail: '' };
  const rate =
    spikesPer10kSteps === null
      ? ''
      : `, ${formatRate(spikesPer10kSteps)} in ${formatStep(10_000)} steps`;
  if (spikeCount === 0) {
    const over = total.steps === null ? '' : `, over ${formatStep(total.steps)} steps`;
    return { sentence: `No such spike in ${plural(runCount, 'run')}${over}.`, detail: '' };
  }
  const detail = [describeLead(total), describePrecursors(total), describeLost(total)]
    .filter((part) => part !== '')
    .join('; ');
  return {
    sentence: `${plural(spikeCount, 'spike')} in ${formatCount(spikeRunCount)} of ${plural(runCount, 'run')}${rate}.`,
    detail: detail === '' ? '' : `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`,
  };
}

function describeLead({ medianLead, leadCount }: SpikeCounts): string {
  if (medianLead === null) return '';
  const steps = formatNumber(medianLead).replace(/\.?0+$/, '');
  return `median lead ${medianLead === 0 ? '0' : steps} ${medianLead === 1 ? 'step' : 'steps'} over ${plural(leadCount, 'spike')}`;
}

function describePrecursors({ precursorCount, judgedCount }: SpikeCounts): string {
  if (judgedCount === 0) return '';
  return `a precursor before ${formatPercent(precursorCount / judgedCount)} of the ${formatCount(judgedCount)} with enough history`;
}

function describeLost({ lostSteps, steps }: SpikeCounts): string {
  if (lostSteps === 0) return '';
  const of = steps === null ? '' : ` of ${formatStep(steps)}`;
  return `${formatStep(lostSteps)}${of} steps lost`;
}

const plural = (count: number, word: string): string =>
  `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`;

/** Spikes in 10,000 steps: "0", "0.042", "3.1". */
function formatRate(rate: number): string {
  return rate === 0 ? '0' : formatNumber(Number(rate.toPrecision(2)));
}

export interface GroupRow {
  readonly key: string;
  readonly label: string;
  readonly runs: string;
  readonly spikes: string;
  readonly steps: string;
  readonly rate: string;
  /** Of the longest bar, 0 to 1; of spikes where there is no rate, null where there are none. */
  readonly bar: number | null;
  readonly medianLead: string;
  readonly leadCount: string;
  readonly precursors: string;
  readonly lost: string;
}

/** Rows of groups; bars compare rates, or spikes where there are no rates. */
export function prepareGroups(groups: readonly SpikeGroup[], groupBy: string): GroupRow[] {
  const length = (group: SpikeGroup): number => group.spikesPer10kSteps ?? group.spikeCount;
  const longest = Math.max(0, ...groups.map(length));
  return groups.map((group) => ({
    key: group.key ?? '',
    label: groupLabel(group, groupBy),
    runs: `${formatCount(group.spikeRunCount)} of ${formatCount(group.runCount)}`,
    spikes: formatCount(group.spikeCount),
    steps: formatStep(group.steps),
    rate: group.spikesPer10kSteps === null ? '–' : formatRate(group.spikesPer10kSteps),
    bar: longest === 0 ? null : length(group) / longest,
    medianLead: group.medianLead === null ? '–' : trimmed(group.medianLead),
    leadCount: formatCount(group.leadCount),
    precursors:
      group.judgedCount === 0
        ? '–'
        : `${formatPercent(group.precursorCount / group.judgedCount)} of ${formatCount(group.judgedCount)}`,
    lost: formatStep(group.lostSteps),
  }));
}

const trimmed = (value: number): string =>
  Number.isInteger(value) ? formatStep(value) : formatFixed(value, 1);

function groupLabel({ key, below }: SpikeGroup, groupBy: string): string {
  if (key === null) return groupBy.startsWith('mover_') ? 'none moved, or no kind' : 'not said';
  if (groupBy === 'model_size') {
    const from = formatParameters(Number(key));
    return below === null
      ? `${from} and more`
      : Number(key) === 0
        ? `below ${formatParameters(below)}`
        : `${from} to ${formatParameters(below)}`;
  }
  const number = Number(key);
  if (key !== '' && Number.isFinite(number)) return formatSetting(number);
  if (groupBy === 'recovery') {
    return ENDING_OPTIONS.find(([ending]) => ending === key)?.[1] ?? key;
  }
  if (groupBy === 'kind') return key.replaceAll('_', ' ');
  return key === '' ? '(empty)' : key;
}

const SIZES = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** "6.74 B", "124 M", "868 k": sizes as people say them. */
export function formatParameters(count: number): string {
  for (const [unit, name] of SIZES) {
    const scaled = count / unit;
    if (scaled >= 0.9995) return `${String(Number(scaled.toPrecision(3)))} ${name}`;
  }
  return formatCount(count);
}

const COLUMNS: readonly (TableColumn & { readonly of: (spike: FoundSpike) => TableCell })[] = [
  { name: 'run', kind: 'text', of: ({ run }) => run.id },
  { name: 'project', kind: 'text', of: ({ run }) => run.project },
  { name: 'attempt', kind: 'count', of: ({ attempt }) => attempt },
  { name: 'spike', kind: 'text', of: ({ id }) => id },
  { name: 'kind', kind: 'text', of: ({ kind }) => kind },
  { name: 'at', kind: 'text', of: ({ at }) => at },
  { name: 'onset_step', kind: 'step', of: ({ onsetStep }) => onsetStep },
  { name: 'rise_step', kind: 'step', of: ({ riseStep }) => riseStep },
  { name: 'peak_step', kind: 'step', of: ({ peakStep }) => peakStep },
  { name: 'peak_value', kind: 'value', of: ({ peakValue }) => peakValue },
  { name: 'baseline', kind: 'value', of: ({ baseline }) => baseline },
  { name: 'recovered_step', kind: 'step', of: ({ recoveredStep }) => recoveredStep },
  { name: 'recovery', kind: 'text', of: ({ recovery, hasEnded }) => endingOf(recovery, hasEnded) },
  { name: 'verdict', kind: 'text', of: ({ verdict }) => verdict },
  { name: 'lead_steps', kind: 'count', of: ({ mover }) => mover?.leadSteps ?? null },
  { name: 'mover', kind: 'text', of: ({ mover }) => mover?.name ?? null },
  { name: 'mover_metric', kind: 'text', of: ({ mover }) => mover?.metric ?? null },
  { name: 'lost_steps', kind: 'step', of: ({ lostSteps }) => lostSteps },
  { name: 'parameters', kind: 'count', of: ({ parameters }) => parameters },
  { name: 'optimizer', kind: 'text', of: ({ optimizer }) => optimizer.name },
  { name: 'beta1', kind: 'value', of: ({ optimizer }) => optimizer.beta1 ?? null },
  { name: 'beta2', kind: 'value', of: ({ optimizer }) => optimizer.beta2 ?? null },
  { name: 'epsilon', kind: 'value', of: ({ optimizer }) => optimizer.epsilon ?? null },
  { name: 'postmortem', kind: 'text', of: ({ postmortem }) => postmortem },
];

/** Every field of every spike, as a file holds them. */
export function spikesTable(spikes: readonly FoundSpike[]): ChartTable {
  return {
    caption: 'Spikes',
    columns: COLUMNS.map(({ name, kind }) => ({ name, kind })),
    keyColumnCount: 4,
    rowCount: spikes.length,
    cell: (row, column) => {
      const spike = spikes[row];
      return spike === undefined ? null : (COLUMNS[column]?.of(spike) ?? null);
    },
  };
}
