import { optimizerSchema, type Optimizer, type RunStatus } from '../contract/runs';
import type { Database } from './database';
import { runKeyOf } from './run-key';
import { DELETING, toRunStatus } from './run-status';

export interface RunAttempt {
  readonly attempt: number;
  readonly resumeFromStep: number;
  readonly optimizer: Optimizer;
}

/** What a read needs to know of its run. */
export interface RunOutline {
  readonly runKey: string;
  readonly id: string;
  readonly project: string;
  readonly status: RunStatus;
  readonly newestAttempt: number;
  readonly layerCount: number;
  /** Ascending. */
  readonly attempts: readonly RunAttempt[];
}

/** What a post needs to know of its run besides, small enough to be kept in memory. */
export interface RunContext extends RunOutline {
  /** [layerCount], in layer order. */
  readonly parameterCounts: Float64Array;
}

/** Two look-ups by primary key; null for a run that does not exist. */
export async function findRunOutline(db: Database, id: string): Promise<RunOutline | null> {
  const runKey = runKeyOf(id);
  const [run, attempts] = await Promise.all([
    db.prisma.run.findUnique({ where: { runKey } }),
    db.prisma.attempt.findMany({ where: { runKey }, orderBy: { attempt: 'asc' } }),
  ]);
  const newest = attempts.at(-1);
  if (run === null || run.status === DELETING || newest === undefined) return null;
  return {
    runKey,
    id: run.id,
    project: run.project,
    status: toRunStatus(run.status),
    newestAttempt: newest.attempt,
    layerCount: run.layerCount,
    attempts: attempts.map(({ attempt, resumeFromStep, optimizer }) => ({
      attempt,
      resumeFromStep: Number(resumeFromStep),
      optimizer: optimizerSchema.parse(optimizer),
    })),
  };
}

/** The outline and one range of the layers' primary key; null for a run that does not exist. */
export async function findRunContext(db: Database, id: string): Promise<RunContext | null> {
  const [outline, layers] = await Promise.all([
    findRunOutline(db, id),
    db.prisma.layer.findMany({
      where: { runKey: runKeyOf(id) },
      orderBy: { index: 'asc' },
      select: { parameterCount: true },
    }),
  ]);
  if (outline === null) return null;
  return {
    ...outline,
    parameterCounts: Float64Array.from(layers, ({ parameterCount }) => Number(parameterCount)),
  };
}
