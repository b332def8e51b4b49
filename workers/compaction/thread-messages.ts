/** What crosses between the worker and its compaction thread. */
import type { AttemptId } from '../../lib/store/compaction/compaction-state';

export interface CompactionThreadData {
  readonly databaseUrl: string;
}

/** Committed posts of one attempt, summed up since the last message. */
export interface StoredPosts extends AttemptId {
  readonly rows: number;
  /** Of the values. */
  readonly sizeBytes: number;
  readonly lowestStep: number;
  readonly newestStep: number;
}

export type CompactionRequest =
  | { readonly kind: 'stored'; readonly posts: readonly StoredPosts[] }
  /** The run ended, or has a new attempt: what it has may be sealed. */
  | { readonly kind: 'changed'; readonly runKey: string; readonly attempts: readonly number[] }
  | { readonly kind: 'forget'; readonly runKey: string }
  | { readonly kind: 'close' };

export interface CompactionProgress {
  /** Not yet in blocks, as far as is known. */
  readonly hotRows: number;
  readonly hotBytes: number;
  /** The largest distance, over the attempts, from the steps in blocks to the newest. */
  readonly lagSteps: number;
  /** Attempts with something to do now, those that wait after a failure too. */
  readonly waitingAttempts: number;
  /** What is hot of these: of other attempts nothing can be in a block yet. */
  readonly waitingBytes: number;
  /** Totals since the thread started. */
  readonly compactedRows: number;
  readonly blocks: number;
  readonly rollups: number;
  /** Blocks of old steps that were rounded. */
  readonly roundedBlocks: number;
  /** What projects' policies let go: rows of blocks, histograms and samples, and their bytes. */
  readonly releasedRows: number;
  readonly releasedBytes: number;
  readonly units: number;
  readonly busySeconds: number;
  readonly failures: number;
  readonly lastFailure: string | null;
}

export interface CompactionReply {
  readonly kind: 'progress';
  readonly progress: CompactionProgress;
}
