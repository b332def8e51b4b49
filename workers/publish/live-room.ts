import type { Frame } from '../../lib/contract/frame';
import {
  type HeatmapColumns,
  encodeHeatmapColumns,
  writeColumn,
} from '../../lib/contract/heatmap-columns';
import type { LiveFramesHead } from '../../lib/contract/live';

/** A frame that Postgres has committed. */
export interface CommittedFrame {
  readonly attempt: number;
  readonly layerOffset: number;
  readonly frame: Frame;
}

export interface LiveMessage {
  readonly head: LiveFramesHead;
  readonly body: Uint8Array;
}

/**
 * Columns that one message may hold. A job that posts 10,000 steps in one go is read over
 * HTTP rather than pushed: the viewers are told by a gap in the sequence.
 */
const MAX_COLUMNS_PER_MESSAGE = 512;

/** What a frame says to the viewers of one metric; a copy, since the frame is a view into its post. */
interface WaitingColumn {
  readonly attempt: number;
  readonly layerOffset: number;
  readonly step: number;
  readonly wallTime: number | null;
  readonly scalars: ReadonlyMap<string, number>;
  /** undefined where the frame does not speak of the metric. */
  readonly column: Float32Array | undefined;
}

/** What is waiting for the viewers of one run and metric. */
export class LiveRoom {
  private waiting: WaitingColumn[] = [];
  private hasOverflowed = false;
  private sent = 0;

  constructor(
    readonly runId: string,
    readonly metric: string,
    private readonly layerCount: number,
  ) {}

  /** Number of the newest message. */
  get sequence(): number {
    return this.sent;
  }

  get isWaiting(): boolean {
    return this.waiting.length > 0 || this.hasOverflowed;
  }

  add(frames: readonly CommittedFrame[]): void {
    if (this.waiting.length + frames.length > MAX_COLUMNS_PER_MESSAGE) {
      this.waiting = [];
      this.hasOverflowed = true;
    }
    const newest = frames.slice(-MAX_COLUMNS_PER_MESSAGE);
    this.waiting.push(...newest.map((committed) => toWaiting(committed, this.metric)));
  }

  /** Takes what waits: one message an attempt, in the order of commit. */
  takeMessages(): LiveMessage[] {
    const waiting = this.waiting;
    this.waiting = [];
    if (this.hasOverflowed) {
      this.hasOverflowed = false;
      // A number that nobody receives: every viewer sees the gap.
      this.sent++;
    }
    const messages: LiveMessage[] = [];
    let start = 0;
    while (start < waiting.length) {
      const attempt = waiting[start]?.attempt ?? 0;
      let end = start + 1;
      while (end < waiting.length && waiting[end]?.attempt === attempt) end++;
      this.sent++;
      messages.push({
        head: { runId: this.runId, metric: this.metric, sequence: this.sent, attempt },
        body: encodeHeatmapColumns(toColumns(waiting.slice(start, end), this.layerCount)),
      });
      start = end;
    }
    return messages;
  }
}

function toWaiting({ attempt, layerOffset, frame }: CommittedFrame, metric: string): WaitingColumn {
  const { step, wallTime, scalars, layerMetrics } = frame;
  const column = layerMetrics.get(metric)?.slice();
  return { attempt, layerOffset, step, wallTime, scalars, column };
}

/** Frames as heatmap columns, one a frame; layers that a frame does not speak of are "not reported". */
function toColumns(committed: readonly WaitingColumn[], layerCount: number): HeatmapColumns {
  const columnCount = committed.length;
  const steps = new Float64Array(columnCount);
  const loss = new Float32Array(columnCount).fill(NaN);
  const values = new Float32Array(layerCount * columnCount).fill(NaN);
  const nonFinite = new Uint32Array(layerCount * columnCount);
  const scalars = new Map<string, Float64Array>();
  committed.forEach((waiting, column) => {
    steps[column] = waiting.step;
    for (const [name, value] of waiting.scalars) {
      if (name === 'loss') loss[column] = value;
      else scalarColumn(scalars, name, columnCount)[column] = value;
    }
    if (waiting.wallTime !== null) {
      scalarColumn(scalars, 'wall_time', columnCount)[column] = waiting.wallTime;
    }
    if (waiting.column !== undefined) {
      writeColumn(waiting.column, waiting.layerOffset, column, columnCount, values, nonFinite);
    }
  });
  return {
    layerCount,
    columnCount,
    fromStep: steps,
    toStep: steps,
    loss,
    values,
    nonFinite,
    scalars,
  };
}

function scalarColumn(
  scalars: Map<string, Float64Array>,
  name: string,
  columnCount: number,
): Float64Array {
  const found = scalars.get(name);
  if (found !== undefined) return found;
  const column = new Float64Array(columnCount).fill(NaN);
  scalars.set(name, column);
  return column;
}
