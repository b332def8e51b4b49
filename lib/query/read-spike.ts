import { AppError } from '../contract/app-error';
import type { Spike } from '../contract/reads';
import type { Database } from '../store/database';
import { findSpike } from '../store/findings/spikes';
import { requireRun } from './find-run';

/** Throws AppError `run_not_found`, `spike_not_found`. */
export async function readSpike(db: Database, runId: string, spikeId: string): Promise<Spike> {
  const { runKey } = await requireRun(db, runId);
  const spike = await findSpike(db, runKey, spikeId);
  if (spike !== null) return spike;
  throw new AppError('spike_not_found', `run ${runId} has no spike ${spikeId}`);
}
