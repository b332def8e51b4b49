/**
 * Walks a run and lets go what a policy does not keep:
 *
 *   attempts ▶ stretches of steps ▶ what is expired ▶ batches, each a transaction of its own
 *
 * A dry run says of the same stretches what would go. Between two batches nothing is held, so
 * that whoever drives it gives way to posts and compaction, or stops.
 */
import type { ClientBase } from 'pg';
import { MAX_SPAN } from '../compaction/block-layout';
import type { AttemptId } from '../compaction/compaction-state';
import type { Interval } from '../compaction/intervals';
import { findReportedStep } from '../compaction/roll-levels';
import {
  type ExpiredBlock,
  type ExpiredFrames,
  findExpiredBlocks,
  findExpiredFrames,
  type FrameTable,
} from './find-expired';
import { removeBlocks, removeFrames } from './remove-expired';
import { RETENTION_KINDS, type RetentionCutoffs, type RetentionKind } from './retention-cutoffs';

/** Lends a connection for one transaction. */
export type UseClient = <Result>(work: (client: ClientBase) => Promise<Result>) => Promise<Result>;

export interface Released {
  readonly kind: RetentionKind;
  readonly attempt: number;
  readonly steps: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface RetainOptions {
  readonly runKey: string;
  readonly cutoffs: RetentionCutoffs;
  readonly isDryRun: boolean;
}

/** Blocks and frames hold some 100 KB each: a batch is some tens of milliseconds of work. */
const ROWS_A_BATCH = 200;

/** Yields once a batch, and once a stretch of which nothing goes. */
export async function* retainRun(
  use: UseClient,
  { runKey, cutoffs, isDryRun }: RetainOptions,
): AsyncGenerator<Released | null, void> {
  for (const attempt of await use((client) => findAttempts(client, runKey))) {
    const id = { runKey, attempt };
    let next = await findStretch(use, id, 0);
    while (next !== null) {
      for (const kind of RETENTION_KINDS) {
        const before = cutoffs[kind];
        if (before === null) continue;
        yield* retainStretch(use, id, { kind, range: next, before, isDryRun });
      }
      yield null;
      next = await findStretch(use, id, next.to);
    }
  }
}

async function findAttempts(client: ClientBase, runKey: string): Promise<number[]> {
  const { rows } = await client.query<{ attempt: number }>(
    'SELECT attempt FROM attempt WHERE run = $1 ORDER BY attempt',
    [runKey],
  );
  return rows.map(({ attempt }) => attempt);
}

/** The steps of a largest block, where there are any from `fromStep` on: no block reaches beyond. */
async function findStretch(
  use: UseClient,
  id: AttemptId,
  fromStep: number,
): Promise<Interval | null> {
  const step = await use((client) =>
    findReportedStep(client, id, fromStep, Number.MAX_SAFE_INTEGER),
  );
  if (step === null) return null;
  const from = Math.floor(step / MAX_SPAN) * MAX_SPAN;
  return { from, to: from + MAX_SPAN };
}

interface Stretch {
  readonly kind: RetentionKind;
  readonly range: Interval;
  readonly before: Date;
  readonly isDryRun: boolean;
}

async function* retainStretch(
  use: UseClient,
  id: AttemptId,
  { kind, range, before, isDryRun }: Stretch,
): AsyncGenerator<Released, void> {
  const { attempt } = id;
  if (kind === 'raw') {
    const expired = await use((client) => findExpiredBlocks(client, id, { range, before }));
    if (isDryRun) {
      if (expired.length > 0) yield { kind, attempt, ...sumOfBlocks(expired) };
      return;
    }
    for (const batch of batchesOf(expired.map(({ firstStep }) => ({ at: firstStep, rows: 1 })))) {
      const gone = await use((client) => removeBlocks(client, id, { range: batch, before }));
      if (gone !== null && gone.length > 0) yield { kind, attempt, ...sumOfBlocks(gone) };
    }
    return;
  }
  const table: FrameTable = kind === 'distributions' ? 'histogram_frame' : 'sample_frame';
  const expired = await use((client) => findExpiredFrames(client, table, id, { range, before }));
  if (isDryRun) {
    if (expired.length > 0) yield { kind, attempt, ...sumOfFrames(expired) };
    return;
  }
  for (const batch of batchesOf(expired.map(({ step, rows }) => ({ at: step, rows })))) {
    const gone = await use((client) => removeFrames(client, table, id, { range: batch, before }));
    if (gone !== null && gone.length > 0) yield { kind, attempt, ...sumOfFrames(gone) };
  }
}

/** Ranges that begin no more rows each than a batch may have; those that begin at one step stay together. */
function batchesOf(places: readonly { readonly at: number; readonly rows: number }[]): Interval[] {
  const batches: Interval[] = [];
  let rows = 0;
  for (const { at, rows: more } of places) {
    const last = batches.at(-1);
    if (last !== undefined && (at < last.to || rows + more <= ROWS_A_BATCH)) {
      batches[batches.length - 1] = { from: last.from, to: Math.max(last.to, at + 1) };
      rows += more;
    } else {
      batches.push({ from: at, to: at + 1 });
      rows = more;
    }
  }
  return batches;
}

type Sum = Pick<Released, 'steps' | 'rows' | 'sizeBytes'>;

function sumOfBlocks(blocks: readonly ExpiredBlock[]): Sum {
  const steps = new Map<number, number>();
  let sizeBytes = 0;
  for (const block of blocks) {
    sizeBytes += block.sizeBytes;
    steps.set(block.firstStep, Math.max(steps.get(block.firstStep) ?? 0, block.stepCount));
  }
  const stepCount = [...steps.values()].reduce((sum, count) => sum + count, 0);
  return { steps: stepCount, rows: blocks.length, sizeBytes };
}

function sumOfFrames(frames: readonly ExpiredFrames[]): Sum {
  return {
    steps: frames.length,
    rows: frames.reduce((sum, { rows }) => sum + rows, 0),
    sizeBytes: frames.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}
