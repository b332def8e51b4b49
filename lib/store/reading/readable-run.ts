/**
 * A run with what a read must know of it, in one statement: a read of a layer's series takes
 * two milliseconds, and each statement a hundredth of one besides its work. Rows that are the
 * same as when the run was last read are not taken apart again.
 */
import { optimizerSchema } from '../../contract/runs';
import { CopyRow } from '../postgres/copy-binary';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RunAttempt, RunOutline } from '../runs/run-context';
import { DELETING, toRunStatus } from '../runs/run-status';
import type { RowReader } from '../postgres/snapshot';
import type { MetricKind } from '../writing/metric-registry';

/** How far an attempt is compacted (docs/decisions/011). */
export interface CompactionProgress {
  /** Steps below are in blocks, but for what came since. */
  readonly blocksTo: number;
  /** Of each level: steps below are in its rows, where rows pay. */
  readonly rolledTo: readonly number[];
}

/** A run with what a read of its steps and layers must know beforehand. */
export interface ReadableRun extends RunOutline {
  /** Tells it from one that had its id before and was deleted. */
  readonly createdAt: string;
  /** Names with their numbers, in the order in which the run first reported them. */
  readonly names: Readonly<Record<MetricKind, ReadonlyMap<string, number>>>;
  /** By attempt; one that is not there has nothing compacted. */
  readonly compaction: ReadonlyMap<number, CompactionProgress>;
}

/** What finds a run, for a caller who sends more queries with it. */
export interface RunQueries {
  readonly queries: readonly PreparedQuery[];
  /** Once they are answered; null for a run that does not exist. The same object while it is as it was. */
  readonly run: () => ReadableRun | null;
}

/** Runs that are being looked at; one more is taken apart again. */
const MAX_REMEMBERED = 64;

/** By run key, the last read last; with the rows as they came. */
const remembered = new Map<string, { readonly rows: Buffer; readonly run: ReadableRun }>();

/** The run as it was when it was last read; null for none. A guess: nobody keeps it true. */
export function recallRun(runKey: string): ReadableRun | null {
  return remembered.get(runKey)?.run ?? null;
}

const [RUN, ATTEMPT, METRIC, COMPACTION] = [0, 1, 2, 3] as const;

/** What there is of each: its number, a step, texts, steps. Ranges of primary keys. */
const SQL = `SELECT ${RUN} AS part, layer_count AS number, 0::bigint, id, project, status, created_at::text, NULL::bigint[]
    FROM run WHERE run = $1::uuid AND status <> '${DELETING}'
  UNION ALL SELECT ${ATTEMPT}, attempt, resume_from_step, optimizer::text, NULL, NULL, NULL, NULL
    FROM attempt WHERE run = $1::uuid
  UNION ALL SELECT ${METRIC}, metric, 0, name, kind, NULL, NULL, NULL FROM metric WHERE run = $1::uuid
  UNION ALL SELECT ${COMPACTION}, attempt, blocks_to, NULL, NULL, NULL, NULL, rolled_to
    FROM compaction_state WHERE run = $1::uuid
  ORDER BY part, number`;

export function runQueries(runKey: string): RunQueries {
  const found: Buffer[] = [];
  return {
    queries: [{ sql: SQL, values: [runKey], onRow: (row) => found.push(row.copy()) }],
    run: () => {
      const rows = Buffer.concat(found);
      const known = remembered.get(runKey);
      remembered.delete(runKey);
      const run = known?.rows.equals(rows) === true ? known.run : takeApart(runKey, found);
      if (run === null) return null;
      remembered.set(runKey, { rows, run });
      for (const oldest of remembered.keys()) {
        if (remembered.size <= MAX_REMEMBERED) break;
        remembered.delete(oldest);
      }
      return run;
    },
  };
}

function takeApart(runKey: string, rows: readonly Buffer[]): ReadableRun | null {
  let outline: Pick<ReadableRun, 'id' | 'project' | 'status' | 'layerCount' | 'createdAt'> | null =
    null;
  const attempts: RunAttempt[] = [];
  const names = {
    scalar: new Map<string, number>(),
    layer: new Map<string, number>(),
    histogram: new Map<string, number>(),
  };
  const compaction = new Map<number, CompactionProgress>();
  const row = new CopyRow();
  for (const bytes of rows) {
    row.locate(bytes, 0);
    const number = row.int4(1);
    switch (row.int4(0)) {
      case RUN:
        outline = {
          ...{ id: row.text(3), project: row.text(4), status: toRunStatus(row.text(5)) },
          ...{ layerCount: number, createdAt: row.text(6) },
        };
        break;
      case ATTEMPT:
        attempts.push({
          ...{ attempt: number, resumeFromStep: row.int8(2) },
          optimizer: optimizerSchema.parse(JSON.parse(row.text(3))),
        });
        break;
      case METRIC: {
        const kind = row.text(4);
        if (isMetricKind(kind)) names[kind].set(row.text(3), number);
        break;
      }
      case COMPACTION:
        compaction.set(number, { blocksTo: row.int8(2), rolledTo: row.int8Array(7) });
        break;
    }
  }
  const newest = attempts.at(-1);
  if (outline === null || newest === undefined) return null;
  return { runKey, ...outline, newestAttempt: newest.attempt, attempts, names, compaction };
}

function isMetricKind(text: string): text is MetricKind {
  return text === 'scalar' || text === 'layer' || text === 'histogram';
}

/** null for a run that does not exist. One round trip. */
export async function findReadableRun(
  reader: RowReader,
  runKey: string,
): Promise<ReadableRun | null> {
  const { queries, run } = runQueries(runKey);
  await reader.readAll(queries);
  return run();
}
