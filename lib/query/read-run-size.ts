import type { RunSizeReply } from '../contract/projects';
import type { Database } from '../store/database';
import { measureRun } from '../store/run-size';
import { requireRun } from './find-run';

/** What a run takes up, table by table. Throws AppError `run_not_found`. */
export async function readRunSize(db: Database, runId: string): Promise<RunSizeReply> {
  const run = await requireRun(db, runId);
  const { tables, datapoints } = await measureRun(db, run.runKey);
  const sizeBytes = tables.reduce((sum, table) => sum + table.sizeBytes, 0);
  return {
    id: run.id,
    sizeBytes,
    datapoints,
    bytesPerDatapoint: datapoints === 0 ? null : sizeBytes / datapoints,
    tables: [...tables],
  };
}
