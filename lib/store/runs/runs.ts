/** Changes to a run that exists; each throws AppError `run_not_found` for one that does not. */
import { AppError } from '../../contract/app-error';
import type { FinishStatus, PatchRun } from '../../contract/runs';
import type { Database } from '../database';
import { runKeyOf } from './run-key';
import { DELETING } from './run-status';

export function runNotFound(id: string): AppError {
  return new AppError('run_not_found', `no run has the id ${id}`);
}

const existing = (id: string) => ({ runKey: runKeyOf(id), status: { not: DELETING } });

/** The project that owns a run; null for a run that does not exist. One keyed read. */
export async function findRunProject(db: Database, id: string): Promise<string | null> {
  // Before every read of a run: prepared, since Prisma takes longer than the series of a layer.
  const { rows } = await db.pool.query<{ project: string }>({
    name: 'find_run_project',
    text: `SELECT project FROM run WHERE run = $1 AND status <> '${DELETING}'`,
    values: [runKeyOf(id)],
  });
  return rows[0]?.project ?? null;
}

/** Sets what `patch` names and leaves the rest. */
export async function patchRun(db: Database, id: string, patch: PatchRun): Promise<void> {
  const { name, tags, notes, pinned } = patch;
  const { count } = await db.prisma.run.updateMany({
    where: existing(id),
    data: {
      ...(name === undefined ? {} : { name }),
      ...(tags === undefined ? {} : { tags }),
      ...(notes === undefined ? {} : { notes }),
      ...(pinned === undefined ? {} : { pinned }),
    },
  });
  if (count === 0) throw runNotFound(id);
}

/** Ends a run. Asked again, the status said last stands and the time of the first end is kept. */
export async function finishRun(
  db: Database,
  id: string,
  status: FinishStatus,
  now: Date,
): Promise<void> {
  const ended = await db.prisma.run.updateMany({
    where: { runKey: runKeyOf(id), status: 'running' },
    data: { status, finishedAt: now },
  });
  if (ended.count > 0) return;
  const restated = await db.prisma.run.updateMany({ where: existing(id), data: { status } });
  if (restated.count === 0) throw runNotFound(id);
}

/** Everything of a run but its own row, largest first. */
const RUN_TABLES = [
  'metric_block',
  'metric_rollup',
  'scalar_rollup',
  'histogram_rollup',
  'hot_frame',
  'sample_frame',
  'histogram_frame',
  'histogram_edges',
  'frame',
  'step',
  'event',
  'note_revision',
  'incident',
  'alert_progress',
  'alert_delivery',
  'note',
  'spike',
  'warning',
  'rms_spike_step',
  'stage_interval',
  'detector_state',
  'compaction_state',
  'raw_gap',
  'job',
  'metric',
  'layer',
  'attempt',
];

/**
 * Removes a run. It is marked first, so that nobody reads it or adds to it while a large
 * one is removed table by table without a lock on its row: the writer's transactions, which
 * hold frames of all runs, would wait for that lock. Deleting again finishes what an
 * interrupted deletion began.
 */
export async function deleteRun(db: Database, id: string): Promise<void> {
  const runKey = runKeyOf(id);
  await db.prisma.$transaction(async (tx) => {
    // Waits for transactions that are adding frames; those that begin later see the mark.
    await tx.$queryRaw`SELECT 1 FROM run WHERE run = ${runKey}::uuid FOR UPDATE`;
    const { count } = await tx.run.updateMany({ where: { runKey }, data: { status: DELETING } });
    if (count === 0) throw runNotFound(id);
  });
  await removeRows(db, runKey);
}

/** Of tables whose rows hold some 100 KB out of line; of all others a row is next to nothing. */
const ROWS_OF_LARGE = 200;
const ROWS_OF_SMALL = 5_000;
const LARGE_TABLES = new Set([
  'metric_block',
  'metric_rollup',
  'scalar_rollup',
  'histogram_rollup',
  'hot_frame',
  'sample_frame',
  'histogram_frame',
]);

/** A statement is some tens of milliseconds of work: frames of other runs are committed between two. */
async function removeRows(db: Database, runKey: string): Promise<void> {
  for (const table of [...RUN_TABLES, 'run']) {
    const limit = LARGE_TABLES.has(table) ? ROWS_OF_LARGE : ROWS_OF_SMALL;
    for (let removed = limit; removed === limit;) {
      const { rowCount } = await db.pool.query(
        `DELETE FROM ${table} WHERE run = $1
           AND ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE run = $1 LIMIT $2))`,
        [runKey, limit],
      );
      removed = rowCount ?? 0;
    }
  }
}

/** Finishes deletions that an earlier process began; returns how many. To be called at a start. */
export async function finishDeletions(db: Database): Promise<number> {
  const runs = await db.prisma.run.findMany({
    where: { status: DELETING },
    select: { runKey: true },
  });
  for (const { runKey } of runs) await removeRows(db, runKey);
  return runs.length;
}
