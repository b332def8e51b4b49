/**
 * One batch of retention, one transaction: what is found expired under the lock of the
 * attempt goes, and where it went is written down. Killed anywhere, nothing has happened;
 * done again, there is nothing to do.
 */
import type { ClientBase } from 'pg';
import { lockAttempt, type AttemptId } from '../compaction/compaction-state';
import type { Interval } from '../compaction/intervals';
import { addGaps, findGaps, HISTOGRAMS_GAP, SAMPLES_GAP } from '../reading/raw-gaps';
import {
  type ExpiredBlock,
  type ExpiredFrames,
  type ExpiryQuery,
  findExpiredBlocks,
  findExpiredFrames,
  type FrameTable,
} from './find-expired';

/** What went; null for a run that is gone. */
export function removeBlocks(
  client: ClientBase,
  id: AttemptId,
  query: ExpiryQuery,
): Promise<ExpiredBlock[] | null> {
  return whileLocked(client, id, async () => {
    const expired = await findExpiredBlocks(client, id, query);
    if (expired.length === 0) return expired;
    await client.query(
      `DELETE FROM metric_block USING unnest($3::smallint[], $4::bigint[]) AS expired (metric_id, first)
       WHERE run = $1 AND attempt = $2 AND metric = metric_id AND first_step = first`,
      [
        id.runKey,
        id.attempt,
        expired.map(({ metricId }) => metricId),
        expired.map(({ firstStep }) => firstStep),
      ],
    );
    const gaps = new Map<number, Interval[]>();
    for (const { metricId, firstStep, span } of expired) {
      const ofMetric = gaps.get(metricId) ?? [];
      gaps.set(metricId, ofMetric);
      ofMetric.push({ from: firstStep, to: firstStep + span });
    }
    await addGaps(client, id, gaps);
    return expired;
  });
}

/** What went; null for a run that is gone. */
export function removeFrames(
  client: ClientBase,
  table: FrameTable,
  id: AttemptId,
  query: ExpiryQuery,
): Promise<ExpiredFrames[] | null> {
  return whileLocked(client, id, async () => {
    const expired = await findExpiredFrames(client, table, id, query);
    const first = expired[0]?.step;
    const last = expired.at(-1)?.step;
    if (first === undefined || last === undefined) return expired;
    await client.query(`DELETE FROM ${table} WHERE run = $1 AND attempt = $2 AND step = ANY($3)`, [
      id.runKey,
      id.attempt,
      expired.map(({ step }) => step),
    ]);
    await widenGap(client, id, table === 'histogram_frame' ? HISTOGRAMS_GAP : SAMPLES_GAP, {
      from: first,
      to: last + 1,
    });
    return expired;
  });
}

/** One range an attempt, however much is still there within. */
async function widenGap(
  client: ClientBase,
  id: AttemptId,
  number: number,
  added: Interval,
): Promise<void> {
  const everything = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const known = (await findGaps(client, id, [number], everything)).get(number) ?? [];
  const ends = [added, ...known];
  await addGaps(
    client,
    id,
    new Map([
      [
        number,
        [
          {
            from: Math.min(...ends.map(({ from }) => from)),
            to: Math.max(...ends.map(({ to }) => to)),
          },
        ],
      ],
    ]),
  );
}

async function whileLocked<Result>(
  client: ClientBase,
  id: AttemptId,
  remove: () => Promise<Result>,
): Promise<Result | null> {
  await client.query('BEGIN');
  try {
    // What a crash takes with it goes again: no flush of its own.
    await client.query('SET LOCAL synchronous_commit = off');
    const isThere = (await lockAttempt(client, id)) !== null;
    const result = isThere ? await remove() : null;
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
