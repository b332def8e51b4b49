import type { FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import type { StatisticsOptions } from './device-constants';
import type { RowColumn } from './row-columns';

/** Rows [firstRow, firstRow + rowCount) of a frame, as they came back. */
export interface DeviceRows {
  readonly firstRow: number;
  readonly rowCount: number;
  /** [rows · 130] and [rows · 420]: underflow, bins, overflow. */
  readonly ratioSlots: Float32Array | Uint32Array;
  readonly updateSlots: Float32Array | Uint32Array;
  /** [rows] */
  readonly column: (name: RowColumn) => Float32Array;
}

/** A part of a frame that the device has been given. */
export interface RowsUnderWay {
  /** Valid until `release`. */
  readonly read: () => Promise<DeviceRows>;
  /** Nothing more is wanted of it, or it failed: its memory is used again. */
  readonly release: () => void;
}

/** How a device computes samples, part by part. */
export interface SampleProgram {
  /** Of one part. */
  readonly maxCoordinates: number;
  readonly maxRows: number;
  /** Parts that may be under way at once: while one is copied there, the one before is computed. */
  readonly maxUnderWay: number;
  readonly begin: (
    input: FrameStatisticsInput,
    options: StatisticsOptions,
    firstRow: number,
    rowCount: number,
  ) => Promise<RowsUnderWay>;
  readonly deviceBytes: () => number;
  readonly dispose: () => void;
}
