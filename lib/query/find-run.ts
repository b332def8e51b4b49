import { AppError } from '../contract/app-error';
import type { PreparedQuery } from '../store/postgres/prepared-read';
import { findReadableRun, type ReadableRun } from '../store/reading/readable-run';
import type { RunOutline } from '../store/runs/run-context';
import { runKeyOf } from '../store/runs/run-key';
import { findRunWindow, type RunWindow } from '../store/reading/run-window';
import { runNotFound } from '../store/runs/runs';
import type { RowReader } from '../store/postgres/snapshot';
import type { WindowQuery } from '../store/reading/step-window';

/** Throws AppError `run_not_found`. */
export async function requireRun(reader: RowReader, runId: string): Promise<ReadableRun> {
  const run = await findReadableRun(reader, runKeyOf(runId));
  if (run === null) throw runNotFound(runId);
  return run;
}

/** `findRunWindow` of a run that must be. Throws AppError `run_not_found`, and what `ask` throws. */
export async function requireRunWindow(
  reader: RowReader,
  runId: string,
  ask: (run: ReadableRun) => WindowQuery,
  others?: readonly PreparedQuery[],
): Promise<RunWindow> {
  const found = await findRunWindow(reader, runKeyOf(runId), ask, others);
  if (found === null) throw runNotFound(runId);
  return found;
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
