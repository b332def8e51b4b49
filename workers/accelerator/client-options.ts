import type { BackendChoice } from './statistics-backend';

export interface StatisticsLogger {
  readonly info: (facts: object, message: string) => void;
  readonly warn: (facts: object, message: string) => void;
}

export interface StatisticsClientOptions {
  readonly choice: BackendChoice;
  readonly logger: StatisticsLogger;
  readonly maxQueuedBytes?: number;
  /** How long the thread may take to start, and to answer while frames wait. */
  readonly startTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
  readonly threadUrl?: URL;
}

/** Four frames of 1,000 layers at 4,096 coordinates: some 0.3 s of the single pass. */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
/** A first start of CUDA compiles its kernels, which takes minutes on new cards. */
export const START_TIMEOUT_MS = 180_000;
/** The largest post takes the single pass a second. */
export const ANSWER_TIMEOUT_MS = 60_000;
export const CLOSE_TIMEOUT_MS = 5_000;
