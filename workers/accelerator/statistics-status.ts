import type { BackendName } from './statistics-backend';

export interface StatisticsStatus {
  /** null until the thread has chosen. */
  readonly backend: BackendName | null;
  readonly device: string;
  /** Who measures the shapes of histograms: the backend, or the single pass where that is faster. */
  readonly shapesBackend: BackendName | null;
  readonly queuedFrames: number;
  readonly queuedBytes: number;
  /** Calls of the thread for frames so far, one for all that were merged. */
  readonly batchCount: number;
  /** Layers that an accelerator left to the single pass. */
  readonly hostRowCount: number;
  /** Times that an accelerator failed or its thread died. */
  readonly fallbackCount: number;
}
