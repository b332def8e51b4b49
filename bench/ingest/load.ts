/** What the measurement asks of the load generator, and what it answers; over the IPC channel. */
import type { Quantiles } from '../shared/quantiles';

export interface LoadOrder {
  readonly url: string;
  readonly runIds: readonly string[];
  readonly layers: number;
  readonly metrics: number;
  readonly stepsPerPost: number;
  /** Posts of a run that wait for their acknowledgement at a time. */
  readonly inFlight: number;
  readonly seconds: number;
  /** How much of that passes before acknowledgements are timed. */
  readonly warmUpSeconds: number;
  /** Posts a second over all runs; null: as many as are acknowledged. */
  readonly postsPerSecond: number | null;
}

export interface LoadResult {
  /** Steps by run, in the order of the order's runs; 0 … n - 1 are acknowledged. */
  readonly acknowledgedSteps: readonly number[];
  /** Acknowledged datapoints in each second from the start. */
  readonly datapointsBySecond: readonly number[];
  readonly elapsedMs: number;
  /** Milliseconds of an acknowledgement; of paced posts from when they were due. */
  readonly acknowledgement: Quantiles;
  /** Answers 429 and 503; the steps were posted again. */
  readonly refusals: number;
  readonly postBytes: number;
}
