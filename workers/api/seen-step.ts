import { z } from 'zod';
import type { SeenStep } from '../../lib/query/read-advice';

const seenStepSchema = z.object({
  attempt: z.int(),
  seen: z.object({ step: z.int(), watchedFromStep: z.int().nullable() }).nullable(),
});

/** Longer than a write of findings takes; without an answer what is stored has to do. */
const TIMEOUT_MS = 2_000;

/**
 * Has the ingestion worker write what its detectors have found of a run, and says how far
 * they are. null where it has none at work on the run, or is away: it starts again within seconds.
 */
export async function askSeenStep(ingestUrl: string, runId: string): Promise<SeenStep | null> {
  try {
    const url = new URL(`/internal/runs/${encodeURIComponent(runId)}/detection`, ingestUrl);
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const parsed = seenStepSchema.safeParse(await response.json());
    if (!response.ok || !parsed.success || parsed.data.seen === null) return null;
    return { attempt: parsed.data.attempt, ...parsed.data.seen };
  } catch (error) {
    // The worker is down or slow, as readiness says; any other error is a bug of ours.
    if (error instanceof TypeError || error instanceof DOMException) return null;
    throw error;
  }
}
