import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import { STABILITY_RATIO } from '@/lib/contract/warnings';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';
import type { TimelineBuckets } from './run-reads';

/** Entries of a timeline kept in memory before neighbours are merged. */
const TIMELINE_LIMIT = 4096;
/** Cells kept in memory: 3 M are 18 MB of values and codes. A view that is finer has tiles. */
const CELL_LIMIT = 3_000_000;
const LEAST_COLUMN_LIMIT = 512;

/** Columns of the whole run, and timelines of it or of a window. */
export class RunData {
  readonly columns: RunColumns;
  readonly loss = new TimelineSeries(TIMELINE_LIMIT);
  readonly gradientNorm = new TimelineSeries(TIMELINE_LIMIT);
  /** κ, of jobs that measure their curvature. */
  readonly stabilityRatio = new TimelineSeries(TIMELINE_LIMIT);
  /** When each step was, by the job's own clock. */
  readonly wallTime = new TimelineSeries(TIMELINE_LIMIT);
  private readonly columnLimit: number;

  /** `columns`: those of the whole run, where the timelines alone are finer. */
  constructor(
    layerCount: number,
    layerFactors: Float64Array | null,
    shows: ColumnShows,
    columns: RunColumns = new RunColumns(layerCount, layerFactors, 1, shows),
  ) {
    this.columns = columns;
    this.columnLimit = Math.max(
      LEAST_COLUMN_LIMIT,
      Math.floor(CELL_LIMIT / Math.max(1, layerCount)),
    );
  }

  replace(columns: HeatmapColumns, timeline: TimelineBuckets): void {
    if (columns.columnCount > 0 || columns.layerCount === this.columns.layerCount) {
      this.columns.replace(columns);
    }
    this.replaceTimeline(timeline);
  }

  replaceTimeline({ loss, gradientNorm, stabilityRatio, wallTime }: TimelineBuckets): void {
    this.loss.replace(loss);
    this.wallTime.replace(wallTime);
    this.gradientNorm.replace(gradientNorm);
    this.stabilityRatio.replace(stabilityRatio);
  }

  /** Columns as the socket brings them. True when a loss was not there or not finite. */
  appendLive(columns: HeatmapColumns): boolean {
    this.columns.append(columns);
    this.columns.compact(this.columnLimit);
    return this.appendLiveScalars(columns);
  }

  /** The timelines' part of live columns. */
  appendLiveScalars(columns: HeatmapColumns): boolean {
    const norms = columns.scalars.get('gradient_norm');
    const ratios = columns.scalars.get(STABILITY_RATIO);
    const times = columns.scalars.get('wall_time');
    let lacksLoss = false;
    for (let column = 0; column < columns.columnCount; column++) {
      const step = columns.toStep[column] ?? NaN;
      const loss = columns.loss[column] ?? NaN;
      if (Number.isNaN(loss)) lacksLoss = true;
      this.loss.append(step, loss);
      this.gradientNorm.append(step, norms?.[column] ?? NaN);
      this.stabilityRatio.append(step, ratios?.[column] ?? NaN);
      this.wallTime.append(step, times?.[column] ?? NaN);
    }
    return lacksLoss;
  }

  appendRead(columns: HeatmapColumns, timeline: TimelineBuckets): void {
    if (columns.columnCount > 0) this.columns.append(columns);
    this.loss.appendBuckets(timeline.loss);
    this.gradientNorm.appendBuckets(timeline.gradientNorm);
    this.stabilityRatio.appendBuckets(timeline.stabilityRatio);
    this.wallTime.appendBuckets(timeline.wallTime);
    this.columns.compact(this.columnLimit);
  }

  /** True when no series has a bucket of several steps within the window. */
  isExactWithin({ fromStep, toStep }: StepWindow): boolean {
    return [this.loss, this.gradientNorm, this.stabilityRatio].every(({ columns }) => {
      for (let i = 0; i < columns.length; i++) {
        const [from, to] = [columns.fromStep[i] ?? 0, columns.toStep[i] ?? 0];
        if (from !== to && to >= fromStep && from <= toStep) return false;
      }
      return true;
    });
  }

  get version(): number {
    return (
      this.columns.version +
      this.loss.version +
      this.gradientNorm.version +
      this.stabilityRatio.version +
      this.wallTime.version
    );
  }
}
