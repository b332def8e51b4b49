import pg from 'pg';

/** All that detectors left of a run, without the run's key: to be compared with another run's. */
export async function readFindings(url: string, runId: string): Promise<Record<string, unknown[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const rows = async (table: string, order: string): Promise<unknown[]> => {
      const found = await client.query<{ row: object }>(
        `SELECT to_jsonb(${table}) - 'run' AS row FROM ${table}
         WHERE run = (SELECT run FROM run WHERE id = $1) ORDER BY ${order}`,
        [runId],
      );
      return found.rows.map(({ row }) => row);
    };
    return {
      spikes: await rows('spike', 'id'),
      warnings: await rows('warning', 'id'),
      stages: await rows('stage_interval', 'attempt, layer, from_step'),
      rmsSpikeSteps: await rows('rms_spike_step', 'attempt, step'),
    };
  } finally {
    await client.end();
  }
}
