import { optimizerSchema, type Optimizer, type RunStatus } from '../contract/runs';
import type { Database } from './database';
import { runKeyOf } from './run-key';
import { DELETING, toRunStatus } from './run-status';

export interface RunAttempt {
  readonly attempt: number;
  readonly resumeFromStep: number;
  readonly optimizer: Optimizer;
}

/** What a request needs to know of its run, small enough to be kept in memory. */
export interface RunContext {
  readonly runKey: string;
  readonly id: string;
  readonly project: string;
  readonly status: RunStatus;
  readonly newestAttempt: number;
  readonly layerCount: number;
  /** [layerCount], in layer order. */
  readonly parameterCounts: Float64Array;
  /** Ascending. */
  readonly attempts: readonly RunAttempt[];
}

/** Three look-ups by primary key; null for a run that does not exist. */
export async function findRunContext(db: Database, id: string): Promise<RunContext | null> {
  const runKey = runKeyOf(id);
  const [run, attempts, layers] = await Promise.all([
    db.prisma.run.findUnique({ where: { runKey } }),
    db.prisma.attempt.findMany({ where: { runKey }, orderBy: { attempt: 'asc' } }),
    db.prisma.layer.findMany({
      where: { runKey },
      orderBy: { index: 'asc' },
      select: { parameterCount: true },
    }),
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
    parameterCounts: Float64Array.from(layers, ({ parameterCount }) => Number(parameterCount)),
    attempts: attempts.map(({ attempt, resumeFromStep, optimizer }) => ({
      attempt,
      resumeFromStep: Number(resumeFromStep),
      optimizer: optimizerSchema.parse(optimizer),
    })),
  };
}
