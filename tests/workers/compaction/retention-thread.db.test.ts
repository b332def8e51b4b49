import { expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { saveProjectPolicy } from '@/lib/store/runs/project-policy';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { createCompactionClient } from '@/workers/compaction/compaction-client';

const database = useDatabase();

it('lets old values of projects with a policy go by itself, and of no other', async () => {
  const { db, url, writer } = database;
  const keys: string[] = [];
  for (const project of ['policed', 'keeping']) {
    const { runKey } = await createRun(db, aRun({ id: project, project }));
    keys.push(runKey);
    const frames = Array.from({ length: 2200 }, (_, step) => aFrame(step, { loss: 1 }));
    await writer.write(frames.map((frame) => ({ runKey, attempt: 1, layerOffset: 0, frame })));
    await withClient(url, (client) => compactAll(client, runKey));
  }
  await db.pool.query(`UPDATE step SET received_at = now() - interval '3 days'`);
  await saveProjectPolicy(db, 'policed', { keepRawDays: 2 });
  const compaction = createCompactionClient({ databaseUrl: url, logger: silentLogger });
  try {
    await compaction.ready;
    // Another process works: its answer is seen in the store, which sends no event.
    await expect.poll(() => compaction.status().releasedRows).toBeGreaterThanOrEqual(32);
  } finally {
    await compaction.close();
  }
  const { rows } = await db.pool.query<{ run: string; first: string }>(
    'SELECT run::text, min(first_step) AS first FROM metric_block GROUP BY run',
  );
  const firstOf = new Map(rows.map(({ run, first }) => [run, Number(first)]));
  expect(keys.map((key) => firstOf.get(key))).toEqual([2048, 0]);
});
