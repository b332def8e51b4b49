/** What is stored after a load, held against what was acknowledged. */
import pg from 'pg';

async function withDatabase<Result>(
  url: string,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

export interface StoredCounts {
  readonly frames: number;
  readonly steps: number;
  /** Steps with a hot row, which compaction has not come to. */
  readonly hotFrames: number;
  /** Steps of the first metric that lie in blocks. */
  readonly blockSteps: number;
  readonly sizeBytes: number;
  readonly sizes: readonly (readonly [table: string, sizeBytes: number])[];
}

export async function readStoredCounts(url: string): Promise<StoredCounts> {
  return withDatabase(url, async (client) => {
    const { rows } = await client.query<{
      frames: number;
      steps: number;
      hot: number;
      blocks: number;
    }>(
      `SELECT (SELECT count(*)::int FROM frame) AS frames, (SELECT count(*)::int FROM step) AS steps,
        (SELECT count(*)::int FROM hot_frame) AS hot,
        (SELECT coalesce(sum(step_count), 0)::int FROM metric_block WHERE metric = 0) AS blocks`,
    );
    const sizes = await client.query<{ name: string; bytes: string }>(
      `SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
       WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC`,
    );
    const [counts] = rows;
    return {
      frames: counts?.frames ?? NaN,
      steps: counts?.steps ?? NaN,
      hotFrames: counts?.hot ?? NaN,
      blockSteps: counts?.blocks ?? NaN,
      sizes: sizes.rows.map(({ name, bytes }) => [name, Number(bytes)] as const),
      sizeBytes: sizes.rows.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    };
  });
}

/** Throws unless each acknowledged step of each run is stored exactly once, and nothing else is. */
export async function reconcile(
  url: string,
  runIds: readonly string[],
  acknowledgedSteps: readonly number[],
): Promise<void> {
  const rows = await withDatabase(url, async (client) => {
    const result = await client.query<{
      id: string;
      frames: number;
      steps: number;
      cells: number;
      newest: number;
    }>(
      `SELECT id,
        (SELECT count(*)::int FROM frame WHERE frame.run = run.run) AS frames,
        (SELECT count(*)::int FROM step WHERE step.run = run.run) AS steps,
        (SELECT coalesce(max(step), -1)::int FROM step WHERE step.run = run.run) AS newest,
        (SELECT count(*)::int FROM hot_frame WHERE hot_frame.run = run.run) +
        (SELECT coalesce(sum(step_count), 0)::int FROM metric_block
          WHERE metric_block.run = run.run AND metric_block.metric = 0) AS cells
       FROM run`,
    );
    return result.rows;
  });
  const stored = new Map(rows.map((row) => [row.id, row]));
  runIds.forEach((id, index) => {
    const expected = acknowledgedSteps[index] ?? 0;
    const { frames, steps, cells, newest } = stored.get(id) ?? {
      frames: 0,
      steps: 0,
      cells: 0,
      newest: -1,
    };
    // Steps are posted without a gap: the newest says that none is there twice.
    if ([frames, steps, cells, newest + 1].every((count) => count === expected)) return;
    throw new Error(
      `${id}: ${expected} steps acknowledged; stored ${frames} frames, ${steps} steps up to ${newest}, values of ${cells}`,
    );
  });
}

/** What PostgreSQL's connections are for, by process id. */
export async function readConnections(url: string): Promise<Map<number, string>> {
  return withDatabase(url, async (client) => {
    const { rows } = await client.query<{ pid: number; name: string }>(
      `SELECT pid, application_name AS name FROM pg_stat_activity
       WHERE application_name <> '' AND pid <> pg_backend_pid()`,
    );
    return new Map(rows.map(({ pid, name }) => [pid, name]));
  });
}
