/**
 * How much of the database a run takes. Of large columns only the lengths are read, which
 * stand in the row itself: nothing that lies out of line is fetched.
 */
import type { Database } from '../database';
import { runLiteral } from '../reading/segment-filter';

export interface TableSize {
  readonly name: string;
  readonly rows: number;
  /** Of the rows with what lies out of line and their entries in the primary key, near enough. */
  readonly sizeBytes: number;
}

export interface RunSize {
  /** Those that have rows, the largest first. */
  readonly tables: readonly TableSize[];
  /** Values of layer metrics that are in blocks or hot, and scalars; without rollups, which repeat them. */
  readonly datapoints: number;
}

interface MeasuredTable {
  readonly name: string;
  /** The lengths of what a row holds beside numbers. */
  readonly payload: string;
  /** Values that a row says for the first time. */
  readonly datapoints?: string;
}

const lengths = (...columns: readonly string[]): string =>
  columns.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ');

const LAYER_COUNT = '(SELECT layer_count FROM run WHERE run.run = stored.run)';

/** Of the tables that retention takes from. */
export const PAYLOADS = {
  metric_block: lengths('"values"', 'step_offsets'),
  histogram_frame: lengths('counts', 'outside'),
  sample_frame: lengths('gradient', 'first_moment', 'second_moment'),
} as const;

const TABLES: readonly MeasuredTable[] = [
  {
    name: 'metric_block',
    payload: PAYLOADS.metric_block,
    datapoints: `step_count::bigint * ${LAYER_COUNT}`,
  },
  {
    name: 'metric_rollup',
    payload: lengths('minimum', 'maximum', 'mean', 'exceptions', 'bucket_slots', 'reported'),
  },
  {
    name: 'scalar_rollup',
    payload: lengths('minimum', 'maximum', 'mean', 'last', 'counts', 'steps', 'bucket_slots'),
  },
  {
    name: 'hot_frame',
    payload: lengths('"values"'),
    datapoints: 'layer_count::bigint * cardinality(metric_ids)',
  },
  { name: 'histogram_frame', payload: PAYLOADS.histogram_frame },
  { name: 'histogram_rollup', payload: lengths('counts', 'outside', 'steps') },
  { name: 'histogram_edges', payload: lengths('edges') },
  { name: 'sample_frame', payload: PAYLOADS.sample_frame },
  { name: 'frame', payload: lengths('content_hash') },
  {
    name: 'step',
    payload: '32 + 10 * cardinality(scalar_ids)',
    datapoints: 'num_nonnulls(loss, learning_rate, gradient_norm) + cardinality(scalar_ids)',
  },
  { name: 'event', payload: lengths('title', 'detail') },
  { name: 'spike', payload: '512' },
  { name: 'stage_interval', payload: lengths('stage', 'label') },
];

/** Row header, item pointer and key, and the key again in the index. */
export const ROW_BYTES = 110;

/** One range of a primary key a table; large columns are not fetched. */
export async function measureRun(db: Database, runKey: string): Promise<RunSize> {
  const tables: TableSize[] = [];
  let datapoints = 0;
  await db.copyAll(
    TABLES.map(({ name, payload, datapoints: counted }) => ({
      sql: `SELECT count(*), coalesce(sum(${payload}), 0)::bigint, coalesce(sum(${counted ?? '0'}), 0)::bigint
        FROM ${name} AS stored WHERE run = ${runLiteral(runKey)}`,
      onRow: (row) => {
        const rows = row.int8(0);
        datapoints += row.int8(2);
        if (rows > 0) tables.push({ name, rows, sizeBytes: row.int8(1) + rows * ROW_BYTES });
      },
    })),
  );
  return { tables: tables.sort((a, b) => b.sizeBytes - a.sizeBytes), datapoints };
}
