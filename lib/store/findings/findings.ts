/**
 * What detectors leave: spikes, warnings, stage intervals, and how the detectors themselves
 * stood.
 * One transaction writes findings and the state behind them, so that whoever starts from
 * the state finds exactly what was found up to it.
 */
import type { PoolClient } from 'pg';
import type { Database } from '../database';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';
import { type RmsSpikeStep, addRmsSpikeSteps } from './rms-spike-steps';
import { DELETING } from '../runs/run-status';
import { type SpikeToSave, upsertSpikes } from './save-spikes';
import { type WarningToSave, upsertWarnings } from './warnings';

/** A layer's stage or label from `step` on; what held before ends on the step before. */
export interface StoredStageChange {
  readonly layer: number;
  readonly step: number;
  readonly stage: string;
  readonly label: string | null;
  /** In the order of STAGE_EVIDENCE, NaN unknown; null where nothing was decided. */
  readonly evidence: readonly number[] | null;
}

export interface DetectorState {
  /** The newest step that the detectors have seen; -1 before the first. */
  readonly step: number;
  readonly bytes: Uint8Array;
  /** Start-up ended here; null while it goes on. */
  readonly watchedFromStep: number | null;
  /** The end of the run has been taken in. */
  readonly isConcluded: boolean;
}

export interface Findings {
  readonly runKey: string;
  readonly attempt: number;
  /** Detection starts over after this step: what was found later goes first. null: it goes on. */
  readonly rewindTo: number | null;
  /** At most one an id. */
  readonly spikes: readonly SpikeToSave[];
  readonly warnings: readonly WarningToSave[];
  /** Ascending in steps. */
  readonly rmsSpikeSteps: readonly RmsSpikeStep[];
  /** Ascending in steps. */
  readonly stageChanges: readonly StoredStageChange[];
  /** null: the state is not due. */
  readonly state: DetectorState | null;
}

/** false, and nothing written, for a run that was deleted meanwhile. */
export async function saveFindings(db: Database, findings: Findings): Promise<boolean> {
  const client = await db.pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    const run = await client.query(
      `SELECT 1 FROM run WHERE run = $1 AND status <> '${DELETING}' FOR KEY SHARE`,
      [findings.runKey],
    );
    const exists = run.rows.length > 0;
    if (exists) await write(client, findings);
    await client.query('COMMIT');
    return exists;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // Closing the connection of a failed transaction ends it, whatever state it is in.
    client.release(failure);
  }
}

async function write(client: PoolClient, findings: Findings): Promise<void> {
  const { runKey, attempt, rewindTo, spikes, warnings, stageChanges, state } = findings;
  if (rewindTo !== null) await rewind(client, runKey, attempt, rewindTo);
  if (spikes.length > 0) await upsertSpikes(client, runKey, spikes);
  if (warnings.length > 0) await upsertWarnings(client, runKey, warnings);
  if (findings.rmsSpikeSteps.length > 0) {
    await addRmsSpikeSteps(client, runKey, attempt, findings.rmsSpikeSteps);
  }
  if (stageChanges.length > 0) await addStageChanges(client, runKey, attempt, stageChanges);
  if (state === null) return;
  await client.query({
    name: 'save_detector_state',
    text: `INSERT INTO detector_state (run, attempt, step, state, watched_from_step, is_concluded)
      VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (run, attempt) DO UPDATE SET step = excluded.step, state = excluded.state,
        watched_from_step = excluded.watched_from_step, is_concluded = excluded.is_concluded`,
    values: [
      runKey,
      attempt,
      state.step,
      Buffer.from(state.bytes),
      state.watchedFromStep,
      state.isConcluded,
    ],
  });
}

/** A spike is confirmed on the step that first told of it. */
async function rewind(
  client: PoolClient,
  runKey: string,
  attempt: number,
  step: number,
): Promise<void> {
  await client.query(`DELETE FROM spike WHERE run = $1 AND attempt = $2 AND confirmed_step > $3`, [
    runKey,
    attempt,
    step,
  ]);
  await client.query(`DELETE FROM warning WHERE run = $1 AND attempt = $2 AND from_step > $3`, [
    runKey,
    attempt,
    step,
  ]);
  await client.query(`DELETE FROM rms_spike_step WHERE run = $1 AND attempt = $2 AND step > $3`, [
    runKey,
    attempt,
    step,
  ]);
  await client.query(
    `DELETE FROM stage_interval WHERE run = $1 AND attempt = $2 AND from_step > $3`,
    [runKey, attempt, step],
  );
  await client.query(
    `UPDATE stage_interval SET to_step = NULL WHERE run = $1 AND attempt = $2 AND to_step >= $3`,
    [runKey, attempt, step],
  );
}

async function addStageChanges(
  client: PoolClient,
  runKey: string,
  attempt: number,
  changes: readonly StoredStageChange[],
): Promise<void> {
  const firstStep = new Map<number, number>();
  const toStep: (number | null)[] = changes.map(() => null);
  const newest = new Map<number, number>();
  changes.forEach(({ layer, step }, index) => {
    const before = newest.get(layer);
    if (before === undefined) firstStep.set(layer, step);
    else toStep[before] = step - 1;
    newest.set(layer, index);
  });
  await client.query({
    name: 'close_stage_intervals',
    text: `UPDATE stage_interval AS known SET to_step = change.step - 1
      FROM unnest($3::int[], $4::bigint[]) AS change (layer, step)
      WHERE known.run = $1 AND known.attempt = $2 AND known.layer = change.layer
        AND known.to_step IS NULL AND known.from_step < change.step`,
    values: [runKey, attempt, [...firstStep.keys()], [...firstStep.values()]],
  });
  await client.query({
    name: 'add_stage_intervals',
    text: `INSERT INTO stage_interval (run, attempt, layer, from_step, to_step, stage, label, evidence)
      SELECT $1::uuid, $2::int, layer, from_step, to_step, stage, label, evidence::float8[]
      FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
        AS change (layer, from_step, to_step, stage, label, evidence)
      ON CONFLICT (run, attempt, layer, from_step) DO UPDATE SET
        to_step = excluded.to_step, stage = excluded.stage, label = excluded.label,
        evidence = excluded.evidence`,
    values: [
      runKey,
      attempt,
      changes.map(({ layer }) => layer),
      changes.map(({ step }) => step),
      toStep,
      changes.map(({ stage }) => stage),
      changes.map(({ label }) => label),
      // unnest would flatten arrays of arrays: each goes as PostgreSQL writes it.
      changes.map(({ evidence }) => (evidence === null ? null : `{${evidence.join(',')}}`)),
    ],
  });
}

/** By primary key; null before the first save. */
export async function findDetectorState(
  db: Database,
  runKey: string,
  attempt: number,
): Promise<Pick<DetectorState, 'step' | 'bytes'> | null> {
  const { rows } = await db.pool.query<{ step: string; state: Buffer }>(
    `SELECT step, state FROM detector_state WHERE run = $1 AND attempt = $2`,
    [runKey, attempt],
  );
  const [row] = rows;
  return row === undefined ? null : { step: Number(row.step), bytes: row.state };
}

/** How far a saved state is, without the state itself. */
export type SavedStep = Pick<DetectorState, 'step' | 'watchedFromStep'>;

/** What finds these of all attempts, for a caller who sends more queries with it; a range of the primary key. */
export function savedStepsQuery(runKey: string): {
  readonly query: PreparedQuery;
  /** By attempt; one without a save is not there. */
  readonly steps: ReadonlyMap<number, SavedStep>;
} {
  const steps = new Map<number, SavedStep>();
  return {
    query: {
      sql: `SELECT attempt, step, watched_from_step FROM detector_state WHERE run = $1::uuid`,
      values: [runKey],
      onRow: (row) => {
        const watchedFromStep = row.isNull(2) ? null : row.int8(2);
        steps.set(row.int4(0), { step: row.int8(1), watchedFromStep });
      },
    },
    steps,
  };
}

/** null before the first save. */
export async function findSeenStep(
  reader: RowReader,
  runKey: string,
  attempt: number,
): Promise<SavedStep | null> {
  const { query, steps } = savedStepsQuery(runKey);
  await reader.readAll([query]);
  return steps.get(attempt) ?? null;
}

/**
 * From which step on spikes of an attempt would have been seen; null while start-up goes
 * on, and before the first save. By primary key.
 */
export async function findWatchedSteps(
  db: Database,
  runKey: string,
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await db.pool.query<{ attempt: number; watched_from_step: string }>(
    `SELECT attempt, watched_from_step FROM detector_state
     WHERE run = $1 AND watched_from_step IS NOT NULL`,
    [runKey],
  );
  return new Map(rows.map((row) => [row.attempt, Number(row.watched_from_step)]));
}

/**
 * The runs whose newest attempt has steps that its detectors have not seen, or whose end
 * they have not: what a worker that ended in the middle left behind; the newest first.
 * Three keyed look-ups a run.
 */
export async function findRunsBehind(db: Database): Promise<string[]> {
  const { rows } = await db.pool.query<{ id: string }>(
    `SELECT run.id FROM run
     CROSS JOIN LATERAL (
       SELECT attempt FROM attempt WHERE attempt.run = run.run ORDER BY attempt DESC LIMIT 1
     ) AS newest
     CROSS JOIN LATERAL (
       SELECT step FROM step WHERE step.run = run.run AND step.attempt = newest.attempt
       ORDER BY step DESC LIMIT 1
     ) AS last
     LEFT JOIN detector_state AS state ON state.run = run.run AND state.attempt = newest.attempt
     WHERE run.status <> '${DELETING}' AND (
       state.step IS NULL OR state.step < last.step
       OR (run.status <> 'running' AND NOT state.is_concluded)
     )
     ORDER BY run.created_at DESC`,
  );
  return rows.map(({ id }) => id);
}
