/** What happened in the runs of a project between two moments, by the jobs' own clock where they send it. */
import type { Spike } from '../../contract/reads';
import type { Database } from '../database';
import { hasEndedSql } from './has-ended';
import { timeOfStep } from '../step-time';
import { DELETING } from './run-status';
import { findSpike } from '../findings/spikes';

export interface Period {
  readonly project: string;
  readonly from: Date;
  readonly to: Date;
}

export interface DatedSpike {
  readonly runId: string;
  readonly runName: string;
  readonly at: Date;
  readonly recoveredAt: Date | null;
  readonly spike: Spike;
  /** No step will follow in its attempt. */
  readonly hasEnded: boolean;
}

export interface DatedWarning {
  readonly runId: string;
  readonly attempt: number;
  readonly kind: string;
  readonly step: number;
}

export interface Restart {
  readonly runId: string;
  /** Steps that earlier attempts had passed already. */
  readonly lostSteps: number;
}

const MOST_SPIKES = 1000;

/** Runs whose newest step came after `from` and that were there before `to`; one probe of the steps' key a run. */
export async function findActiveRuns(
  db: Database,
  { project, from, to }: Period,
): Promise<{ readonly id: string; readonly name: string }[]> {
  const { rows } = await db.pool.query<{ id: string; name: string }>(
    `SELECT run.id, run.name FROM run
     CROSS JOIN LATERAL (
       SELECT ${timeOfStep('step')} AS at FROM step WHERE step.run = run.run
       ORDER BY attempt DESC, step DESC LIMIT 1
     ) AS newest
     CROSS JOIN LATERAL (
       SELECT ${timeOfStep('step')} AS at FROM step WHERE step.run = run.run
       ORDER BY attempt, step LIMIT 1
     ) AS oldest
     WHERE run.project = $1 AND run.status <> '${DELETING}' AND newest.at >= $2 AND oldest.at < $3
     ORDER BY run.created_at`,
    [project, from, to],
  );
  return rows;
}

/** Spikes of the kinds with an onset in the period, the oldest first, at most 1,000; a look-up by key each. */
export async function findDatedSpikes(
  db: Database,
  { project, from, to }: Period,
  kinds: readonly Spike['kind'][],
): Promise<DatedSpike[]> {
  const { rows } = await db.pool.query<{
    run: string;
    run_id: string;
    name: string;
    id: string;
    at: Date;
    recovered_at: Date | null;
    has_ended: boolean;
  }>(
    `SELECT run.run::text, run.id AS run_id, run.name, spike.id, ${timeOfStep('onset')} AS at,
       ${timeOfStep('back')} AS recovered_at, ${hasEndedSql('spike.attempt')} AS has_ended
     FROM run JOIN spike ON spike.run = run.run
     JOIN step AS onset ON onset.run = run.run AND onset.attempt = spike.attempt
       AND onset.step = spike.onset_step
     LEFT JOIN step AS back ON back.run = run.run AND back.attempt = spike.attempt
       AND back.step = spike.recovered_step
     WHERE run.project = $1 AND run.status <> '${DELETING}' AND spike.kind = ANY($4::text[])
       AND ${timeOfStep('onset')} >= $2 AND ${timeOfStep('onset')} < $3
     ORDER BY at, spike.id LIMIT ${MOST_SPIKES}`,
    [project, from, to, kinds],
  );
  const found = await Promise.all(
    rows.map(async (row): Promise<DatedSpike[]> => {
      const spike = await findSpike(db, row.run, row.id);
      if (spike === null) return [];
      const { run_id: runId, name: runName, at, recovered_at: recoveredAt } = row;
      return [{ runId, runName, at, recoveredAt, spike, hasEnded: row.has_ended }];
    }),
  );
  return found.flat();
}

/** Warnings that began in the period, and the RMS spikes, which warn as well. */
export async function findDatedWarnings(
  db: Database,
  { project, from, to }: Period,
): Promise<DatedWarning[]> {
  const { rows } = await db.pool.query<{
    run_id: string;
    attempt: number;
    kind: string;
    step: string;
  }>(
    `SELECT run.id AS run_id, told.attempt, told.kind, told.step
     FROM run CROSS JOIN LATERAL (
       SELECT attempt, kind, from_step AS step FROM warning WHERE warning.run = run.run
       UNION ALL
       SELECT attempt, kind, onset_step FROM spike WHERE spike.run = run.run AND kind = 'rms_spike'
     ) AS told
     JOIN step AS began ON began.run = run.run AND began.attempt = told.attempt AND began.step = told.step
     WHERE run.project = $1 AND run.status <> '${DELETING}'
       AND ${timeOfStep('began')} >= $2 AND ${timeOfStep('began')} < $3`,
    [project, from, to],
  );
  return rows.map(({ run_id: runId, attempt, kind, step }) => ({
    ...{ runId, attempt, kind },
    step: Number(step),
  }));
}

/** Attempts that were opened in the period, with the steps that they trained again. */
export async function findRestarts(
  db: Database,
  { project, from, to }: Period,
): Promise<Restart[]> {
  const { rows } = await db.pool.query<{ run_id: string; lost: string }>(
    `SELECT run.id AS run_id, greatest(0, before.step - attempt.resume_from_step + 1) AS lost
     FROM run JOIN attempt ON attempt.run = run.run AND attempt.attempt > 1
     CROSS JOIN LATERAL (
       SELECT step FROM step WHERE step.run = run.run AND step.attempt = attempt.attempt - 1
       ORDER BY step DESC LIMIT 1
     ) AS before
     WHERE run.project = $1 AND run.status <> '${DELETING}'
       AND attempt.created_at >= $2 AND attempt.created_at < $3`,
    [project, from, to],
  );
  return rows.map(({ run_id: runId, lost }) => ({ runId, lostSteps: Number(lost) }));
}

export async function hasProject(db: Database, name: string): Promise<boolean> {
  return (await db.prisma.project.findUnique({ where: { name } })) !== null;
}
