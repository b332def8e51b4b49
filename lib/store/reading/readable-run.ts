import type { MetricKind } from '../writing/metric-registry';
import type { PreparedQuery } from '../postgres/prepared-read';
import { outlineQueries, type RunOutline } from '../runs/run-context';
import type { RowReader } from '../postgres/snapshot';

/** How far an attempt is compacted (docs/decisions/011). */
export interface CompactionProgress {
  /** Steps below are in blocks, but for what came since. */
  readonly blocksTo: number;
  /** Of each level: steps below are in its rows, where rows pay. */
  readonly rolledTo: readonly number[];
}

/** A run with what a read of its steps and layers must know beforehand. */
export interface ReadableRun extends RunOutline {
  /** Names with their numbers, in the order in which the run first reported them. */
  readonly names: Readonly<Record<MetricKind, ReadonlyMap<string, number>>>;
  /** By attempt; one that is not there has nothing compacted. */
  readonly compaction: ReadonlyMap<number, CompactionProgress>;
}

function isMetricKind(text: string): text is MetricKind {
  return text === 'scalar' || text === 'layer' || text === 'histogram';
}

/** What finds a run, for a caller who sends more queries with it. */
export interface RunQueries {
  readonly queries: readonly PreparedQuery[];
  /** Once they are answered; null for a run that does not exist. */
  readonly run: () => ReadableRun | null;
}

/** Ranges of primary keys. */
export function runQueries(runKey: string): RunQueries {
  const { queries, outline } = outlineQueries(runKey);
  const names = {
    scalar: new Map<string, number>(),
    layer: new Map<string, number>(),
    histogram: new Map<string, number>(),
  };
  const compaction = new Map<number, CompactionProgress>();
  return {
    queries: [
      ...queries,
      {
        sql: 'SELECT kind, metric, name FROM metric WHERE run = $1::uuid ORDER BY kind, metric',
        values: [runKey],
        onRow: (row) => {
          const kind = row.text(0);
          if (isMetricKind(kind)) names[kind].set(row.text(2), row.int4(1));
        },
      },
      {
        sql: 'SELECT attempt, blocks_to, rolled_to FROM compaction_state WHERE run = $1::uuid',
        values: [runKey],
        onRow: (row) =>
          compaction.set(row.int4(0), { blocksTo: row.int8(1), rolledTo: row.int8Array(2) }),
      },
    ],
    run: () => {
      const found = outline();
      return found === null ? null : { ...found, names, compaction };
    },
  };
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
