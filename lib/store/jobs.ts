/** Batch jobs as they stand. The worker holds their order; this table what it must not forget. */
import type { z } from 'zod';
import { type Job, jobSchema, jobStatusSchema } from '../contract/jobs';
import type { Database } from './database';
import { DELETING } from './runs/run-status';

export type JobJson = z.infer<ReturnType<typeof z.json>>;

/** A job with what only the worker reads. */
export interface StoredJob {
  readonly runId: string;
  readonly runKey: string;
  /** How far it came, in its kind's own words; null at its beginning. */
  readonly cursor: JobJson | null;
  readonly job: Job;
}

export interface NewJob {
  readonly runKey: string;
  readonly id: string;
  readonly kind: string;
  readonly parameters: Readonly<Record<string, JobJson>>;
  readonly createdAt: Date;
}

export interface JobProgress {
  readonly doneSteps: number;
  readonly totalSteps: number;
  readonly cursor: JobJson;
}

export interface JobEnd {
  readonly status: 'finished' | 'failed' | 'cancelled';
  readonly result: JobJson | null;
  readonly message: string | null;
}

interface JobRow {
  readonly id: string;
  readonly run: string;
  readonly job: string;
  readonly kind: string;
  readonly parameters: unknown;
  readonly status: string;
  readonly done_steps: string;
  readonly total_steps: string | null;
  readonly cursor: JobJson | null;
  readonly result: JobJson | null;
  readonly message: string | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

const SELECT = `SELECT run.id, job.run::text, job.job::text, job.kind, job.parameters, job.status,
    job.done_steps, job.total_steps, job.cursor, job.result, job.message,
    job.created_at, job.started_at, job.finished_at
  FROM job JOIN run ON run.run = job.run AND run.status <> '${DELETING}'`;

function toStoredJob(row: JobRow): StoredJob {
  return {
    runId: row.id,
    runKey: row.run,
    cursor: row.cursor,
    job: {
      id: row.job,
      kind: row.kind,
      parameters: jobSchema.shape.parameters.parse(row.parameters),
      status: jobStatusSchema.parse(row.status),
      doneSteps: Number(row.done_steps),
      totalSteps: row.total_steps === null ? null : Number(row.total_steps),
      result: row.result,
      message: row.message,
      createdAt: row.created_at.toISOString(),
      startedAt: row.started_at?.toISOString() ?? null,
      finishedAt: row.finished_at?.toISOString() ?? null,
    },
  };
}

/** Puts a job down as queued; false for a run that is gone. */
export async function saveNewJob(db: Database, job: NewJob): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `INSERT INTO job (run, job, kind, parameters, status, done_steps, created_at)
     SELECT run, $2, $3, $4, 'queued', 0, $5 FROM run WHERE run = $1 AND status <> '${DELETING}'`,
    [job.runKey, job.id, job.kind, JSON.stringify(job.parameters), job.createdAt],
  );
  return rowCount === 1;
}

/** All jobs of a run, the newest first; one range of the primary key. */
export async function findJobs(db: Database, runKey: string): Promise<Job[]> {
  const { rows } = await db.pool.query<JobRow>(
    `${SELECT} WHERE job.run = $1 ORDER BY job.created_at DESC, job.job`,
    [runKey],
  );
  return rows.map((row) => toStoredJob(row).job);
}

/** By primary key; null for none. */
export async function findJob(db: Database, runKey: string, id: string): Promise<Job | null> {
  const { rows } = await db.pool.query<JobRow>(`${SELECT} WHERE job.run = $1 AND job.job = $2`, [
    runKey,
    id,
  ]);
  const [row] = rows;
  return row === undefined ? null : toStoredJob(row).job;
}

/** What an earlier worker left queued or running, the oldest first; by an index of such jobs. */
export async function findUnfinishedJobs(db: Database): Promise<StoredJob[]> {
  const { rows } = await db.pool.query<JobRow>(
    `${SELECT} WHERE job.finished_at IS NULL ORDER BY job.created_at, job.job`,
  );
  return rows.map(toStoredJob);
}

/** false where the job is gone: its run was deleted. */
export async function startJob(
  db: Database,
  runKey: string,
  id: string,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `UPDATE job SET status = 'running', started_at = coalesce(started_at, $3)
     WHERE run = $1 AND job = $2`,
    [runKey, id, now],
  );
  return rowCount === 1;
}

/** false where the job is gone. */
export async function saveJobProgress(
  db: Database,
  runKey: string,
  id: string,
  { doneSteps, totalSteps, cursor }: JobProgress,
): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `UPDATE job SET done_steps = $3, total_steps = $4, cursor = $5 WHERE run = $1 AND job = $2`,
    [runKey, id, doneSteps, totalSteps, JSON.stringify(cursor)],
  );
  return rowCount === 1;
}

/** Nothing is changed of a job that has ended. */
export async function endJob(
  db: Database,
  runKey: string,
  id: string,
  { status, result, message }: JobEnd,
  now: Date,
): Promise<void> {
  await db.pool.query(
    `UPDATE job SET status = $3, result = $4, message = $5, finished_at = $6
     WHERE run = $1 AND job = $2 AND finished_at IS NULL`,
    [runKey, id, status, result === null ? null : JSON.stringify(result), message, now],
  );
}
