import { computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { computeHistogramShapes } from '../../lib/stats/histogram-shapes';
import type { StatisticsBackend } from './statistics-backend';

/** The single pass of lib/stats: the reference, and what remains where nothing else works. */
export const cpuBackend: StatisticsBackend = {
  name: 'cpu',
  device: 'one core',
  isSoftware: false,
  compute: (input) => Promise.resolve(computeFrameStatistics(input)),
  computeShapes: (input) => Promise.resolve(computeHistogramShapes(input)),
  status: () => ({ tensorCount: 0, deviceBytes: 0, hostRowCount: 0 }),
  dispose: () => undefined,
};
