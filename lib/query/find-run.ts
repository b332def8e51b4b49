import { AppError } from '../contract/app-error';
import { findReadableRun, type ReadableRun } from '../store/readable-run';
import type { RunOutline } from '../store/run-context';
import { runKeyOf } from '../store/run-key';
import { runNotFound } from '../store/runs';
import type { RowReader } from '../store/snapshot';

/** Throws AppError `run_not_found`. */
export async function requireRun(reader: RowReader, runId: string): Promise<ReadableRun> {
  const run = await findReadableRun(reader, runKeyOf(runId));
  if (run === null) throw runNotFound(runId);
  return run;
}

/** Throws AppError `layer_not_found` unless the run has a layer of this index. */
export function requireLayer(run: RunOutline, index: number): void {
  if (index >= 0 && index < run.layerCount) return;
  throw new AppError(
    'layer_not_found',
    run.layerCount === 0
      ? `run ${run.id} has no layers`
      : `run ${run.id} has no layer ${index}; its layers are 0 to ${run.layerCount - 1}`,
  );
}
