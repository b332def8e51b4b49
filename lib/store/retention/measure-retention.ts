/** What a policy would let go of a run, and what went, summed up by kind. */
import type { RetentionAmounts } from '../../contract/retention';
import type { Database } from '../database';
import { type Released, retainRun, type UseClient } from './retain-run';
import type { RetentionCutoffs } from './retention-cutoffs';

export const NOTHING_RELEASED: RetentionAmounts = {
  raw: { steps: 0, rows: 0, sizeBytes: 0 },
  distributions: { steps: 0, rows: 0, sizeBytes: 0 },
  samples: { steps: 0, rows: 0, sizeBytes: 0 },
};

export function addReleased(
  amounts: RetentionAmounts,
  { kind, steps, rows, sizeBytes }: Pick<Released, 'kind' | 'steps' | 'rows' | 'sizeBytes'>,
): RetentionAmounts {
  const before = amounts[kind];
  return {
    ...amounts,
    [kind]: {
      steps: before.steps + steps,
      rows: before.rows + rows,
      sizeBytes: before.sizeBytes + sizeBytes,
    },
  };
}

export function addAmounts(a: RetentionAmounts, b: RetentionAmounts): RetentionAmounts {
  let sum = a;
  for (const kind of ['raw', 'distributions', 'samples'] as const) {
    sum = addReleased(sum, { kind, ...b[kind] });
  }
  return sum;
}

export function bytesOf({ raw, distributions, samples }: RetentionAmounts): number {
  return raw.sizeBytes + distributions.sizeBytes + samples.sizeBytes;
}

/** A connection of the pool for each transaction. */
export function fromPool({ pool }: Pick<Database, 'pool'>): UseClient {
  return async (work) => {
    const client = await pool.connect();
    let failure: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // Closing the connection of a failed transaction ends it, whatever state it is in.
      client.release(failure);
    }
  };
}

/** A dry run. About a second for a run of a million steps. */
export async function measureRetention(
  db: Pick<Database, 'pool'>,
  runKey: string,
  cutoffs: RetentionCutoffs,
): Promise<RetentionAmounts> {
  let amounts = NOTHING_RELEASED;
  for await (const batch of retainRun(fromPool(db), { runKey, cutoffs, isDryRun: true })) {
    if (batch !== null) amounts = addReleased(amounts, batch);
  }
  return amounts;
}
