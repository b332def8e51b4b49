/**
 * What detectors leave: spikes, stage intervals, and how the detectors themselves stood.
 * One transaction writes findings and the state behind them, so that whoever starts from
 * the state finds exactly what was found up to it.
 */
import type { PoolClient } from 'pg';
import type { Spike } from '../contract/reads';
import type { Database } from './database';
import { DELETING } from './run-status';

/** A layer's stage or label from `step` on; what held before ends on the step before. */
export interface StoredStageChange {
  readonly layer: number;
  readonly step: number;
  readonly stage: string;
  readonly label: string | null;
}

export interface DetectorState {
  /** The newest step that the detectors have seen; -1 before the first. */
  readonly step: number;
  readonly bytes: Uint8Array;
}

export interface Findings {
  readonly runKey: string;
  readonly attempt: number;
  /** Detection starts over after this step: what was found later goes first. null: it goes on. */
  readonly rewindTo: number | null;
  /** At most one an id; `attempt` is the spike's own. */
  readonly spikes: readonly Spike[];
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
  const { runKey, attempt, rewindTo, spikes, stageChanges, state } = findings;
  if (rewindTo !== null) await rewind(client, runKey, attempt, rewindTo);
  if (spikes.length > 0) await upsertSpikes(client, runKey, spikes);
  if (stageChanges.length > 0) await addStageChanges(client, runKey, attempt, stageChanges);
  if (state === null) return;
  await client.query({
    name: 'save_detector_state',
    text: `INSERT INTO detector_state (run, attempt, step, state) VALUES ($1, $2, $3, $4)
      ON CONFLICT (run, attempt) DO UPDATE SET step = excluded.step, state = excluded.state`,
    values: [runKey, attempt, state.step, Buffer.from(state.bytes)],
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
  await client.query(
    `DELETE FROM stage_interval WHERE run = $1 AND attempt = $2 AND from_step > $3`,
    [runKey, attempt, step],
  );
  await client.query(
    `UPDATE stage_interval SET to_step = NULL WHERE run = $1 AND attempt = $2 AND to_step >= $3`,
    [runKey, attempt, step],
  );
}

async function upsertSpikes(
  client: PoolClient,
  runKey: string,
  spikes: readonly Spike[],
): Promise<void> {
  await client.query({
    name: 'upsert_spikes',
    text: `INSERT INTO spike (run, id, attempt, kind, onset_step, confirmed_step, peak_step, peak_value,
        baseline, recovered_step, recovery, first_movers, verdict)
      SELECT $1::uuid, * FROM unnest($2::text[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::float8[], $9::float8[], $10::bigint[], $11::text[], $12::jsonb[], $13::text[])
      ON CONFLICT (run, id) DO UPDATE SET onset_step = excluded.onset_step,
        confirmed_step = excluded.confirmed_step, peak_step = excluded.peak_step,
        peak_value = excluded.peak_value, baseline = excluded.baseline,
        recovered_step = excluded.recovered_step, recovery = excluded.recovery,
        first_movers = excluded.first_movers, verdict = excluded.verdict`,
    values: [
      runKey,
      spikes.map(({ id }) => id),
      spikes.map(({ attempt }) => attempt),
      spikes.map(({ kind }) => kind),
      spikes.map(({ onsetStep }) => onsetStep),
      spikes.map(({ confirmedStep }) => confirmedStep),
      spikes.map(({ peakStep }) => peakStep),
      spikes.map(({ peakValue }) => peakValue),
      spikes.map(({ baseline }) => baseline),
      spikes.map(({ recoveredStep }) => recoveredStep),
      spikes.map(({ recovery }) => recovery),
      spikes.map(({ firstMovers }) => JSON.stringify(firstMovers)),
      spikes.map(({ verdict }) => verdict),
    ],
  });
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
    text: `INSERT INTO stage_interval (run, attempt, layer, from_step, to_step, stage, label)
      SELECT $1::uuid, $2::int, * FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
      ON CONFLICT (run, attempt, layer, from_step) DO UPDATE SET
        to_step = excluded.to_step, stage = excluded.stage, label = excluded.label`,
    values: [
      runKey,
      attempt,
      changes.map(({ layer }) => layer),
      changes.map(({ step }) => step),
      toStep,
      changes.map(({ stage }) => stage),
      changes.map(({ label }) => label),
    ],
  });
}

/** By primary key; null before the first save. */
export async function findDetectorState(
  db: Database,
  runKey: string,
  attempt: number,
): Promise<DetectorState | null> {
  const { rows } = await db.pool.query<{ step: string; state: Buffer }>(
    `SELECT step, state FROM detector_state WHERE run = $1 AND attempt = $2`,
    [runKey, attempt],
  );
  const [row] = rows;
  return row === undefined ? null : { step: Number(row.step), bytes: row.state };
}

/**
 * The runs whose newest attempt has steps that its detectors have not seen: what a worker
 * that ended in the middle left behind; the newest first. Three keyed look-ups a run.
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
     WHERE run.status <> '${DELETING}' AND (state.step IS NULL OR state.step < last.step)
     ORDER BY run.created_at DESC`,
  );
  return rows.map(({ id }) => id);
}
