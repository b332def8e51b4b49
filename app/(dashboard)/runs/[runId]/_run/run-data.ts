import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import { STABILITY_RATIO } from '@/lib/contract/warnings';
import { RunColumns } from '@/lib/view/run-columns';
import { TimelineSeries } from '@/lib/view/timeline-series';
import type { TimelineBuckets } from './run-reads';

/** Entries of a timeline kept in memory before neighbours are merged. */
const TIMELINE_LIMIT = 4096;
/** Cells kept in memory: 8 M are 48 MB of values and codes. */
const CELL_LIMIT = 8_000_000;

/** Columns and timelines of one range of steps: of the whole run, or of a window. */
export class RunData {
  readonly columns: RunColumns;
  readonly loss = new TimelineSeries(TIMELINE_LIMIT);
  readonly gradientNorm = new TimelineSeries(TIMELINE_LIMIT);
  /** κ, of jobs that measure their curvature. */
  readonly stabilityRatio = new TimelineSeries(TIMELINE_LIMIT);
  private readonly columnLimit: number;

  constructor(layerCount: number, layerFactors: Float64Array | null) {
    this.columns = new RunColumns(layerCount, layerFactors);
    this.columnLimit = Math.max(2048, Math.floor(CELL_LIMIT / Math.max(1, layerCount)));
  }

  replace(columns: HeatmapColumns, timeline: TimelineBuckets): void {
    if (columns.columnCount > 0 || columns.layerCount === this.columns.layerCount) {
      this.columns.replace(columns);
    }
    this.replaceTimeline(timeline);
  }

  replaceTimeline({ loss, gradientNorm, stabilityRatio }: TimelineBuckets): void {
    this.loss.replace(loss);
    this.gradientNorm.replace(gradientNorm);
    this.stabilityRatio.replace(stabilityRatio);
  }

  /** Columns as the socket brings them. True when a loss was not there or not finite. */
  appendLive(columns: HeatmapColumns): boolean {
    this.columns.append(columns);
    const norms = columns.scalars.get('gradient_norm');
    const ratios = columns.scalars.get(STABILITY_RATIO);
    let lacksLoss = false;
    for (let column = 0; column < columns.columnCount; column++) {
      const step = columns.toStep[column] ?? NaN;
      const loss = columns.loss[column] ?? NaN;
      if (Number.isNaN(loss)) lacksLoss = true;
      this.loss.append(step, loss);
      this.gradientNorm.append(step, norms?.[column] ?? NaN);
      this.stabilityRatio.append(step, ratios?.[column] ?? NaN);
    }
    this.columns.compact(this.columnLimit);
    return lacksLoss;
  }

  appendRead(columns: HeatmapColumns, timeline: TimelineBuckets): void {
    if (columns.columnCount > 0) this.columns.append(columns);
    this.loss.appendBuckets(timeline.loss);
    this.gradientNorm.appendBuckets(timeline.gradientNorm);
    this.stabilityRatio.appendBuckets(timeline.stabilityRatio);
    this.columns.compact(this.columnLimit);
  }

  get version(): number {
    return (
      this.columns.version +
      this.loss.version +
      this.gradientNorm.version +
      this.stabilityRatio.version
    );
  }
}
