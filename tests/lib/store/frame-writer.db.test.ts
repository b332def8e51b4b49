import { describe, expect, it } from 'vitest';
import { createRun } from '@/lib/store/create-run';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

describe('createFrameWriter', () => {
  it('stores a frame once and knows a retry from other content', async () => {
    const { db, writer } = database;
    const run = await createRun(db, aRun({ id: 'once' }));
    const place = { runKey: run.runKey, attempt: 1, layerOffset: 0 };
    const frame = aFrame(7, { loss: 2.5, wallTime: 100 });
    expect(await writer.write([{ ...place, frame }])).toEqual(['stored']);
    expect(
      await writer.write([{ ...place, frame: aFrame(7, { loss: 2.5, wallTime: 999 }) }]),
    ).toEqual(['duplicate']);
    expect(await writer.write([{ ...place, frame: aFrame(7, { loss: 2.6 }) }])).toEqual([
      'conflict',
    ]);
    const { rows } = await db.pool.query('SELECT step, loss, wall_time FROM step');
    expect(rows).toEqual([{ step: '7', loss: 2.5, wall_time: 100 }]);
  });
});
