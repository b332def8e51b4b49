import { expect, it } from 'vitest';
import type { Note } from '@/lib/contract/notes';
import { toNoteEvents } from '@/lib/view/timelines/note-events';

const note = (over: Partial<Note>): Note => ({
  ...{ id: 'n', spikeId: null, layer: null, fromStep: 120, toStep: null, attempt: null },
  ...{ author: 'ada', editor: 'ada', revision: 1, markdown: 'x' },
  createdAt: '2026-11-22T10:00:00.000Z',
  updatedAt: '2026-11-22T10:00:00.000Z',
  ...over,
});

it('puts notes on the timeline by their first line', () => {
  const [event] = toNoteEvents([note({ markdown: '\n## Rewound to **100**\nmore' })], 2);
  expect(event).toMatchObject({
    ...{ id: 'note n', kind: 'note', step: 120, attempt: 2, title: 'ada: Rewound to 100' },
  });
  const [long] = toNoteEvents([note({ markdown: 'a'.repeat(200), attempt: 1 })], 2);
  expect(long).toMatchObject({ attempt: 1, title: `ada: ${'a'.repeat(59)}…` });
});

it('has no place for a note about a layer as a whole', () => {
  expect(toNoteEvents([note({ layer: 1, fromStep: null })], 1)).toEqual([]);
});
