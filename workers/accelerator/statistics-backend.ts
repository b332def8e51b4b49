import type { HistogramShapes, ShapesInput } from '../../lib/stats/histogram-shapes';
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';

export type BackendName = 'tensorflow' | 'webgpu' | 'cpu';
export type BackendChoice = 'auto' | BackendName;

export const BACKEND_CHOICES: readonly BackendChoice[] = ['auto', 'tensorflow', 'webgpu', 'cpu'];

export interface BackendStatus {
  /** What it holds on its device, for whoever hunts a leak. */
  readonly tensorCount: number;
  readonly deviceBytes: number;
  /** Rows that it left to the single pass, since it started. */
  readonly hostRowCount: number;
}

/** One way to compute `computeFrameStatistics` and `computeHistogramShapes`. */
export interface StatisticsBackend {
  readonly name: BackendName;
  /** What it runs on, in words for the log. */
  readonly device: string;
  /** Software that poses as a graphics device: right, and slower than the single pass. */
  readonly isSoftware: boolean;
  readonly compute: (input: FrameStatisticsInput) => Promise<FrameStatistics>;
  readonly computeShapes: (input: ShapesInput) => Promise<HistogramShapes>;
  readonly status: () => BackendStatus;
  readonly dispose: () => void;
}
