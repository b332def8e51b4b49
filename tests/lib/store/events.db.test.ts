import { expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { type EventToSave, saveEvent } from '@/lib/store/events';
import { readEvents } from '@/lib/query/read-events';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const NOW = new Date('2026-01-01T00:00:00Z');
const anEvent = (over: Partial<EventToSave> = {}): EventToSave => ({
  attempt: 1,
  step: 10,
  kind: 'checkpoint',
  title: 'saved',
  ...over,
});

it('is one event with its id, whatever else it says the second time', async () => {
  const { db } = database;
  const run = await createRun(db, aRun({ id: 'with-id' }));
  const first = await saveEvent(db, run, anEvent({ id: 'e1', detail: 'a' }), NOW);
  const second = await saveEvent(db, run, anEvent({ id: 'e1', step: 11 }), new Date());
  expect(first).toEqual({
    event: {
      id: 'e1',
      step: 10,
      attempt: 1,
      kind: 'checkpoint',
      title: 'saved',
      detail: 'a',
      createdAt: NOW.toISOString(),
    },
    isNew: true,
  });
  expect(second).toEqual({ event: first.event, isNew: false });
});

it('is one event without an id where attempt, step, kind and title are equal', async () => {
  const { db } = database;
  const run = await createRun(db, aRun({ id: 'without-id' }));
  const other = await createRun(db, aRun({ id: 'other' }));
  const save = (over: Partial<EventToSave>) => saveEvent(db, run, anEvent(over), NOW);
  const first = await save({});
  expect(await save({ detail: 'said again' })).toMatchObject({ isNew: false, event: first.event });
  const others = [
    await save({ step: 11 }),
    await save({ attempt: 2 }),
    await save({ kind: 'note' }),
    await save({ title: 'other' }),
    await saveEvent(db, other, anEvent(), NOW),
  ];
  expect(others.map(({ isNew }) => isNew)).toEqual([true, true, true, true, true]);
});

it('is read by step, in pages that neither repeat nor skip', async () => {
  const { db } = database;
  const run = await createRun(db, aRun({ id: 'pages' }));
  await createRun(db, aRun({ id: 'pages', resumeFromStep: 3 }));
  for (const step of [5, 1, 3, 1, 4]) {
    await saveEvent(db, run, anEvent({ step, title: `at ${step}`, kind: 'note' }), NOW);
    await saveEvent(db, run, anEvent({ step, title: `also ${step}`, attempt: 2 }), NOW);
  }
  const read = async (over: object) => {
    const steps: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await readEvents(db, 'pages', {
        attempt: 'all',
        limit: 3,
        ...over,
        ...(cursor === undefined ? {} : { cursor }),
      });
      steps.push(...page.items.map(({ step, attempt }) => `${step}/${attempt}`));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return steps;
  };
  expect((await read({})).toSorted()).toEqual([
    '1/1',
    '1/2',
    '3/1',
    '3/2',
    '4/1',
    '4/2',
    '5/1',
    '5/2',
  ]);
  expect(await read({ attempt: 'effective' })).toEqual(['1/1', '3/2', '4/2', '5/2']);
  expect(await read({ attempt: 1, fromStep: 2, toStep: 4 })).toEqual(['3/1', '4/1']);
  await expect(read({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid_query' });
});
