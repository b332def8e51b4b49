import { optimizerSchema, type Optimizer, type RunStatus } from '../../contract/runs';
import type { Database } from '../database';
import { runKeyOf } from './run-key';
import { DELETING, toRunStatus } from './run-status';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';

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

/** What finds an outline, for a caller who sends more queries with it. */
export interface OutlineQueries {
  readonly queries: readonly PreparedQuery[];
  /** Once they are answered; null for a run that does not exist. */
  readonly outline: () => RunOutline | null;
}

/** Two look-ups by primary key. */
function outlineQueries(runKey: string): OutlineQueries {
  let found: Pick<RunOutline, 'id' | 'project' | 'status' | 'layerCount'> | null = null;
  const attempts: RunAttempt[] = [];
  return {
    queries: [
      {
        sql: `SELECT id, project, status, layer_count FROM run WHERE run = $1::uuid AND status <> '${DELETING}'`,
        values: [runKey],
        onRow: (row) => {
          found = {
            id: row.text(0),
            project: row.text(1),
            status: toRunStatus(row.text(2)),
            layerCount: row.int4(3),
          };
        },
      },
      {
        sql: `SELECT attempt, resume_from_step, optimizer::text FROM attempt WHERE run = $1::uuid ORDER BY attempt`,
        values: [runKey],
        onRow: (row) => {
          attempts.push({
            attempt: row.int4(0),
            resumeFromStep: row.int8(1),
            optimizer: optimizerSchema.parse(JSON.parse(row.text(2))),
          });
        },
      },
    ],
    outline: () => {
      const newest = attempts.at(-1);
      if (found === null || newest === undefined) return null;
      return { runKey, ...found, newestAttempt: newest.attempt, attempts };
    },
  };
}

/** null for a run that does not exist. */
function findRunOutline(reader: RowReader, id: string): Promise<RunOutline | null> {
  return findOutlineByKey(reader, runKeyOf(id));
}

/** The same by the run's key. */
export async function findOutlineByKey(
  reader: RowReader,
  runKey: string,
): Promise<RunOutline | null> {
  const { queries, outline } = outlineQueries(runKey);
  await reader.readAll(queries);
  return outline();
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
