'use client';

import { useEffect, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { STAGE_NAMES } from '@/lib/contract/stages';
import type { Run } from '@/lib/contract/runs';
import { isWallTime } from '@/lib/contract/wall-time';
import { describeCell } from '@/lib/view/heatmap/cell-words';
import { formatDeviation } from '@/lib/view/comparison/difference-scale';
import { formatFixed, formatNumber, formatStep } from '@/lib/view/text/format-number';
import { CODE_NON_FINITE } from '@/lib/view/colours/magnitude-code';
import { nameOfColumn } from '@/lib/view/colours/column-shows';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import { describeGoneValues } from '@/lib/view/runs/gone-words';
import { describePrecision } from '@/lib/view/text/precision-words';
import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import { formatWallTime, readersZone, utcZone } from '@/lib/view/text/wall-time';
import { Announcement } from '@/app/_components/announcement';
import { StageChip } from '@/app/_components/stage-chip';
import { useRunGaps } from '@/app/_hooks/use-run-gaps';
import { useRunPrecision } from '@/app/_hooks/use-run-precision';
import { stageLabel } from '@/lib/view/stages/stage-label';
import { ReadOut, type ReadOutItem } from '@/app/_components/read-out';
import { CellReader, type CellValue } from '../data/cell-reader';
import type { CrosshairStore } from '../model/crosshair-store';
import { columnsAt } from '../model/plot-readings';
import type { RunComparison } from '../model/use-comparison';

/** What a cell is worth beside the metric shown, where it is stored. */
const COMPANIONS = ['gradient_norm', 'gradient_rms', 'rms', 'update_std', 'ratio_std', 'stage'];
const readOnServer = () => null;
const readRevisionOnServer = () => 0;

const NAN = <span style={{ color: 'var(--divergence)' }}>NaN</span>;

function written(value: CellValue, format: (value: number) => string = formatNumber): ReactNode {
  return value === 'non_finite' ? NAN : value === null ? '–' : format(value);
}

const stageWord = (stage: number): string => stageLabel(STAGE_NAMES[stage] ?? '').word;

function columnCell(columns: RunColumns, column: number, layer: number): CellValue {
  if (columns.code(column, layer) === CODE_NON_FINITE) return 'non_finite';
  const value = columns.value(column, layer);
  return Number.isNaN(value) ? null : value;
}

/** The line at the bottom: all that is stored of the cell under the crosshair. */
export function RunReadOut({
  run,
  store,
  columns: wholeColumns,
  version,
  option,
  layerNames,
  storedMetrics,
  comparison,
  isNarrow,
}: {
  readonly run: Run;
  readonly store: CrosshairStore;
  readonly columns: RunColumns;
  readonly version: number;
  readonly option: MetricOption | null;
  readonly layerNames: readonly string[];
  readonly storedMetrics: readonly string[];
  readonly comparison: RunComparison | null;
  readonly isNarrow: boolean;
}) {
  const crosshair = useSyncExternalStore(store.subscribe, store.get, readOnServer);
  const stored = storedMetrics.join(',');
  const reader = useMemo(
    () =>
      new CellReader(
        run.id,
        COMPANIONS.filter((name) => stored.split(',').includes(name)),
      ),
    [run.id, stored],
  );
  useSyncExternalStore(reader.subscribe, reader.getRevision, readRevisionOnServer);
  const step = crosshair?.step ?? null;
  useEffect(() => {
    if (step !== null) reader.want(step);
  }, [reader, step, version]);

  const precision = useRunPrecision(run, crosshair !== null);
  const gaps = useRunGaps(run);

  const keys = option === null ? KEYS.filter(({ does }) => does !== OPEN_LAYER) : KEYS;
  if (crosshair === null) {
    return (
      <ReadOut
        items={[]}
        empty={
          isNarrow
            ? `Drag over the ${option === null ? 'loss' : 'heatmap'} to read values.`
            : `Move over the ${option === null ? 'timelines' : 'heatmap'}, or use the arrow keys, to read values.`
        }
        keys={keys}
      />
    );
  }
  const { layer, isPinned } = crosshair;
  const columns = columnsAt(wholeColumns, crosshair.step);
  const column = columns.columnAt(crosshair.step);
  const items: ReadOutItem[] = [
    { label: isNarrow ? '' : 'step', value: stepText(columns, column, crosshair.step) },
    ...(option === null
      ? []
      : [{ label: isNarrow ? '' : 'layer', value: layerNames[layer] ?? String(layer) }]),
  ];
  if (option !== null && column !== null) {
    const format = option.scale === 'categorical' ? stageWord : formatNumber;
    const isBucket = isBucketAt(columns, column);
    items.push({
      label: isNarrow ? '' : nameOfColumn(option.shortLabel, columns.shows, isBucket),
      value: written(columnCell(columns, column, layer), format),
      ...(column > 0
        ? { after: <>was {written(columnCell(columns, column - 1, layer), format)}</> }
        : {}),
    });
  }
  const values = reader.values(crosshair.step, layer);
  if (comparison !== null) items.push(comparisonItem(comparison, crosshair.step, layer));
  const rounding = precision === null ? null : describePrecision(precision, crosshair.step);
  if (rounding !== null) {
    items.push({ label: <span title={rounding.explanation}>{rounding.note}</span>, value: '' });
  }
  const gone = describeGoneValues(gaps, { fromStep: crosshair.step, toStep: crosshair.step });
  if (gone !== null) {
    items.push({ label: <span title={gone}>single steps gone</span>, value: '' });
  }
  items.push(...companionItems(values, run, layer, option, isNarrow));
  const loss = column === null ? NaN : (columns.loss[column] ?? NaN);
  items.push({ label: 'loss', value: Number.isFinite(loss) ? formatNumber(loss) : '–' });
  const time = column === null ? NaN : (columns.scalar('wall_time')[column] ?? NaN);
  if (!isNarrow && isWallTime(time)) items.push({ label: 'at', value: wallTime(time) });
  if (isPinned && !isNarrow) items.push({ label: 'pinned', value: '' });
  const stage = values?.get('stage') ?? null;
  const spoken = describeCell({
    stepText: stepText(columns, column, crosshair.step),
    layer: layerNames[layer] ?? String(layer),
    metric:
      option === null
        ? null
        : nameOfColumn(option.shortLabel, columns.shows, isBucketAt(columns, column)),
    value: column === null ? null : columnCell(columns, column, layer),
    ...(option?.scale === 'categorical' ? { format: stageWord } : {}),
    stage:
      typeof stage === 'number' && stage > 0 && option?.stored !== 'stage'
        ? stageWord(stage)
        : null,
  });
  return (
    <>
      <ReadOut items={items} keys={keys} />
      {/* A pointer that passes says nothing; keys and touch pin what they go to. */}
      <Announcement text={isPinned ? spoken : ''} />
    </>
  );
}

/** In the reader's zone; UTC on hover. */
function wallTime(unixSeconds: number): ReactNode {
  return (
    <time
      dateTime={new Date(unixSeconds * 1000).toISOString()}
      title={formatWallTime(unixSeconds, utcZone)}
    >
      {formatWallTime(unixSeconds, readersZone)}
    </time>
  );
}

function comparisonItem(
  { cells, otherName }: RunComparison,
  step: number,
  layer: number,
): ReadOutItem {
  const deviation = cells?.valueAt(step, layer) ?? NaN;
  return {
    label: `against ${otherName}`,
    value: cells === null || Number.isNaN(deviation) ? '–' : formatDeviation(cells.kind, deviation),
  };
}

const OPEN_LAYER = 'open layer';
const KEYS = [
  { key: 'Enter', does: OPEN_LAYER },
  { key: 'P', does: 'pin' },
  { key: '?', does: 'shortcuts' },
];

const isBucketAt = (columns: RunColumns, column: number | null): boolean =>
  column !== null && columns.fromStep[column] !== columns.toStep[column];

function stepText(columns: RunColumns, column: number | null, step: number): string {
  if (column === null) return formatStep(step);
  const from = columns.fromStep[column] ?? step;
  const to = columns.toStep[column] ?? step;
  return from === to ? formatStep(from) : `${formatStep(from)}–${formatStep(to)}`;
}

function companionItems(
  values: ReadonlyMap<string, CellValue> | null,
  run: Run,
  layer: number,
  option: MetricOption | null,
  isNarrow: boolean,
): ReadOutItem[] {
  if (values === null) return [];
  const items: ReadOutItem[] = [];
  const rms =
    values.get('gradient_rms') ?? rmsFromNorm(values.get('gradient_norm') ?? null, run, layer);
  const { epsilon } = run.optimizer;
  if (rms !== null && option?.stored !== 'gradient_rms' && option?.isPerRootN !== true) {
    items.push({
      label: 'RMS(g)',
      value: written(rms),
      ...(typeof rms === 'number' && epsilon !== undefined && epsilon > 0
        ? { after: `= ${formatNumber(rms / epsilon)} ε` }
        : {}),
    });
  }
  const add = (metric: string, label: ReactNode, format?: (value: number) => string) => {
    const value = values.get(metric) ?? null;
    if (value === null || option?.stored === metric) return;
    items.push({ label, value: written(value, format) });
  };
  add(
    'rms',
    <>
      RMS<sub>t</sub>
    </>,
    (value) => formatFixed(value, 2),
  );
  const stage = values.get('stage') ?? null;
  if (typeof stage === 'number' && stage > 0 && option?.stored !== 'stage') {
    items.push({ label: '', value: <StageChip stage={STAGE_NAMES[stage] ?? ''} /> });
  }
  if (isNarrow) return items;
  add('update_std', 'std u');
  add('ratio_std', 'std r');
  return items;
}

/** ‖g‖ ÷ √n is the RMS of the gradient. */
function rmsFromNorm(norm: CellValue, run: Run, layer: number): CellValue {
  const count = run.layers[layer]?.parameterCount;
  if (typeof norm !== 'number' || count === undefined) return norm === 'non_finite' ? norm : null;
  return norm / Math.sqrt(count);
}
