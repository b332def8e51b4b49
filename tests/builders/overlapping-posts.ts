import type { Database } from '@/lib/store/database';
import type { FrameOutcome, FrameToStore, FrameWriter } from '@/lib/store/writing/frame-writer';

/** Beyond any attempt of a test. */
const ASIDE = 1000;

/**
 * Stores posts of which some hold the same layers of a step, in the place that they name. The
 * writer refuses such posts; runs from before it did may hold them, and readers must take them.
 */
export async function storeOverlapping(
  { db, writer }: { readonly db: Database; readonly writer: FrameWriter },
  posts: readonly FrameToStore[],
): Promise<FrameOutcome[]> {
  const outcomes: FrameOutcome[] = [];
  const offsets = [...new Set(posts.map(({ layerOffset }) => layerOffset))];
  for (const [group, layerOffset] of offsets.entries()) {
    // Each as of attempts of its own, where nothing is that it could overlap with.
    const shift = ASIDE * (group + 1);
    const ofOffset = posts.filter((post) => post.layerOffset === layerOffset);
    const aside = ofOffset.map((post) => ({ ...post, attempt: post.attempt + shift }));
    outcomes.push(...(await writer.write(aside)));
    for (const runKey of new Set(ofOffset.map((post) => post.runKey))) {
      await bringBack(db, runKey, shift);
    }
  }
  return outcomes;
}

async function bringBack(db: Database, runKey: string, shift: number): Promise<void> {
  const values = [runKey, shift];
  await db.pool.query(
    `DELETE FROM step AS aside USING step WHERE aside.run = $1 AND aside.attempt > $2
      AND step.run = aside.run AND step.attempt = aside.attempt - $2 AND step.step = aside.step`,
    values,
  );
  for (const table of ['step', 'frame', 'hot_frame', 'histogram_frame']) {
    await db.pool.query(
      `UPDATE ${table} SET attempt = attempt - $2 WHERE run = $1 AND attempt > $2`,
      values,
    );
  }
}
