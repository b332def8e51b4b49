import { describe, expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { saveEvent } from '@/lib/store/events';
import { findRunContext } from '@/lib/store/runs/run-context';
import { findRuns } from '@/lib/store/runs/run-details';
import {
  deleteRun,
  findRunProject,
  finishDeletions,
  finishRun,
  patchRun,
} from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const FIRST = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-02T00:00:00Z');
const rowOf = (id: string) => database.db.prisma.run.findFirstOrThrow({ where: { id } });

describe('patchRun', () => {
  it('sets what it names and leaves the rest', async () => {
    const { db } = database;
    await createRun(db, aRun({ id: 'patched', name: 'before', tags: ['a'] }));
    await patchRun(db, 'patched', { notes: 'looked at', pinned: true });
    expect(await rowOf('patched')).toMatchObject({
      name: 'before',
      tags: ['a'],
      notes: 'looked at',
      pinned: true,
    });
    await patchRun(db, 'patched', { tags: [] });
    expect(await rowOf('patched')).toMatchObject({ tags: [], pinned: true });
  });
});

describe('finishRun', () => {
  it('keeps the time of the first end and the status said last', async () => {
    const { db } = database;
    await createRun(db, aRun({ id: 'finished' }));
    await finishRun(db, 'finished', 'stopped', FIRST);
    await finishRun(db, 'finished', 'stopped', LATER);
    expect(await rowOf('finished')).toMatchObject({ status: 'stopped', finishedAt: FIRST });
    await finishRun(db, 'finished', 'failed', LATER);
    expect(await rowOf('finished')).toMatchObject({ status: 'failed', finishedAt: FIRST });
  });
});

describe('deleteRun', () => {
  const tables = [
    'run',
    'attempt',
    'layer',
    'metric',
    'event',
    'step',
    'frame',
    'hot_frame',
    'histogram_edges',
    'histogram_frame',
  ];

  async function countRows(runKey: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const table of tables) {
      const { rows } = await database.db.pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM ${table} WHERE run = $1`,
        [runKey],
      );
      counts[table] = rows[0]!.count;
    }
    return counts;
  }

  async function aFullRun(id: string): Promise<string> {
    const { db, writer } = database;
    const run = await createRun(db, aRun({ id }));
    const histogram = {
      edges: Float32Array.of(0, 1),
      counts: Uint32Array.of(1, 2, 3),
      outside: new Uint32Array(12),
    };
    const frame = aFrame(1, { loss: 1, histograms: { update: histogram } });
    await writer.write([{ runKey: run.runKey, attempt: 1, layerOffset: 0, frame }]);
    await saveEvent(db, run, { attempt: 1, step: 1, kind: 'note', title: 'x' }, FIRST);
    return run.runKey;
  }

  it('removes every row of the run and no other', async () => {
    const { db } = database;
    const kept = await aFullRun('kept');
    const gone = await aFullRun('gone');
    const before = await countRows(kept);
    expect(Math.min(...Object.values(before))).toBeGreaterThan(0);
    await deleteRun(db, 'gone');
    expect(Math.max(...Object.values(await countRows(gone)))).toBe(0);
    expect(await countRows(kept)).toEqual(before);
    expect(await findRunContext(db, 'gone')).toBeNull();
  });

  it('is finished at the next start when it was interrupted, and hides the run until then', async () => {
    const { db } = database;
    const runKey = await aFullRun('interrupted');
    await db.prisma.run.update({ where: { runKey }, data: { status: 'deleting' } });
    expect(await findRunContext(db, 'interrupted')).toBeNull();
    expect(await findRunProject(db, 'interrupted')).toBeNull();
    await expect(createRun(db, aRun({ id: 'interrupted' }))).rejects.toMatchObject({
      code: 'unavailable',
    });
    const frame = aFrame(2);
    expect(await database.writer.write([{ runKey, attempt: 1, layerOffset: 0, frame }])).toEqual([
      expect.objectContaining({ code: 'run_not_found' }),
    ]);
    expect(await finishDeletions(db)).toBe(1);
    expect(Math.max(...Object.values(await countRows(runKey)))).toBe(0);
    expect(await finishDeletions(db)).toBe(0);
  });
});

it('leaves a run out of a list that found it before its removal began', async () => {
  const { db } = database;
  const [listed, stays] = [await createRun(db, aRun()), await createRun(db, aRun())];
  await db.prisma.run.update({ where: { runKey: listed.runKey }, data: { status: 'deleting' } });
  const runs = await findRuns(db, [listed.runKey, stays.runKey]);
  expect(runs.map(({ runKey }) => runKey)).toEqual([stays.runKey]);
});

it('says of every change that an unknown run does not exist', async () => {
  const { db } = database;
  const expected = { code: 'run_not_found' };
  await expect(patchRun(db, 'nobody', { notes: '' })).rejects.toMatchObject(expected);
  await expect(finishRun(db, 'nobody', 'failed', FIRST)).rejects.toMatchObject(expected);
  await expect(deleteRun(db, 'nobody')).rejects.toMatchObject(expected);
  expect(await findRunProject(db, 'nobody')).toBeNull();
});
