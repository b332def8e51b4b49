/**
 * How the writer lets compaction catch up: as compaction rests while little is behind, so
 * that posts are acknowledged fast, the writer rests while much is. Without it a load that
 * is more than compaction's thread can take would fill the disk with hot frames, from which
 * reads are slow. It slows posts down and refuses none: where compaction fails for good,
 * they are still taken.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** Fifteen seconds of the highest load measured; bursts below it are taken as fast as they come. */
export const RESTED_ABOVE_BYTES = 1024 ** 3;
const LONGEST_REST_MS = 50;

/**
 * A rest for `FrameWriterOptions.rest`: as long as the batch took, 50 ms at most, while more
 * than RESTED_ABOVE_BYTES wait to be compacted.
 */
export function restBehind(
  waitingBytes: () => number,
  wait: (ms: number) => Promise<unknown> = delay,
): (batchMs: number) => Promise<void> {
  return async (batchMs) => {
    if (waitingBytes() > RESTED_ABOVE_BYTES) await wait(Math.min(batchMs, LONGEST_REST_MS));
  };
}
