import type { RunSizeReply } from '../contract/projects';
import type { Database } from '../store/database';
import { findPolicyOfRun } from '../store/runs/project-policy';
import { bytesOf, measureRetention } from '../store/retention/measure-retention';
import { cutoffsOf, keepsEverything } from '../store/retention/retention-cutoffs';
import { measurePrecision } from '../store/reading/rounded-values';
import { measureRun } from '../store/runs/run-size';
import { requireRun } from './find-run';

/** What a run takes up, table by table. Throws AppError `run_not_found`. */
export async function readRunSize(db: Database, runId: string, now: Date): Promise<RunSizeReply> {
  const run = await requireRun(db, runId);
  const { tables, datapoints } = await measureRun(db, run.runKey);
  const cutoffs = cutoffsOf(await findPolicyOfRun(db.pool, run.runKey), now);
  const amounts = keepsEverything(cutoffs) ? null : await measureRetention(db, run.runKey, cutoffs);
  const sizeBytes = tables.reduce((sum, table) => sum + table.sizeBytes, 0);
  return {
    id: run.id,
    sizeBytes,
    datapoints,
    bytesPerDatapoint: datapoints === 0 ? null : sizeBytes / datapoints,
    tables: [...tables],
    precision: await measurePrecision(db, run.runKey),
    retention: amounts === null ? null : { freedBytes: bytesOf(amounts), ...amounts },
  };
}
