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

/** What is waiting for the viewers of one run and metric. */
export class LiveRoom {
  private waiting: CommittedFrame[] = [];
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
    this.waiting.push(...frames.slice(-MAX_COLUMNS_PER_MESSAGE));
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
        body: encodeHeatmapColumns(
          toColumns(waiting.slice(start, end), this.metric, this.layerCount),
        ),
      });
      start = end;
    }
    return messages;
  }
}

/** Frames as heatmap columns, one a frame; layers that a frame does not speak of are "not reported". */
export function toColumns(
  committed: readonly CommittedFrame[],
  metric: string,
  layerCount: number,
): HeatmapColumns {
  const columnCount = committed.length;
  const steps = new Float64Array(columnCount);
  const loss = new Float32Array(columnCount).fill(NaN);
  const values = new Float32Array(layerCount * columnCount).fill(NaN);
  const nonFinite = new Uint32Array(layerCount * columnCount);
  const scalars = new Map<string, Float64Array>();
  committed.forEach(({ frame, layerOffset }, column) => {
    steps[column] = frame.step;
    for (const [name, value] of frame.scalars) {
      if (name === 'loss') loss[column] = value;
      else scalarColumn(scalars, name, columnCount)[column] = value;
    }
    if (frame.wallTime !== null) {
      scalarColumn(scalars, 'wall_time', columnCount)[column] = frame.wallTime;
    }
    const source = frame.layerMetrics.get(metric);
    if (source !== undefined) {
      writeColumn(source, layerOffset, column, columnCount, values, nonFinite);
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
