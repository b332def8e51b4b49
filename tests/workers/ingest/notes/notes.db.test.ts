import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createToken } from '@/lib/store/tokens';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let clock = new Date('2026-11-22T10:00:00.000Z');
let servers: TestServers;
beforeAll(async () => {
  servers = await startServers({ now: () => clock });
  await servers.post('/api/v1/runs', aRun('run'));
  await servers.db.prisma.spike.create({
    data: {
      ...{ runKey: runKeyOf('run'), id: '1-loss_spike-120', attempt: 1, kind: 'loss_spike' },
      ...{ onsetStep: 120n, recovery: 'fast', firstMovers: [], verdict: 'no_precursor' },
    },
  });
});
afterAll(() => servers.stop());
beforeEach(() => {
  clock = new Date('2026-11-22T10:00:00.000Z');
});

const NOTES = '/api/v1/runs/run/notes';
const send = async (method: string, path: string, value?: unknown) => {
  const reply = await servers.api(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(value === undefined ? {} : { body: JSON.stringify(value) }),
  });
  return { status: reply.status, body: await reply.json() };
};
const idsOf = async (query: string) => {
  const { body } = await servers.get(`${NOTES}${query}`);
  return body.items.map(({ id }: { id: string }) => id);
};

describe('a note', () => {
  it('at a spike stands at its onset, under its author, with the time', async () => {
    const { status, body } = await send('POST', NOTES, {
      ...{ id: 'first', markdown: 'Rewound to **100**.', author: ' ada ' },
      spikeId: '1-loss_spike-120',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      ...{ id: 'first', spikeId: '1-loss_spike-120', layer: null, fromStep: 120, toStep: null },
      ...{ attempt: 1, markdown: 'Rewound to **100**.', author: 'ada', editor: 'ada' },
      createdAt: '2026-11-22T10:00:00.000Z',
      updatedAt: '2026-11-22T10:00:00.000Z',
      revision: 1,
    });
  });

  it('posted again under its id is the same note', async () => {
    const { status, body } = await send('POST', NOTES, {
      ...{ id: 'first', markdown: 'another text', author: 'bob', fromStep: 5 },
    });
    expect([status, body.markdown, body.author]).toEqual([200, 'Rewound to **100**.', 'ada']);
  });

  it('keeps everything that it ever said', async () => {
    clock = new Date('2026-11-22T11:00:00.000Z');
    const change = { markdown: 'It came back.', author: 'grace' };
    const { body } = await send('PATCH', `${NOTES}/first`, change);
    expect(body).toMatchObject({
      ...{ author: 'ada', editor: 'grace', revision: 2, markdown: 'It came back.' },
      ...{ createdAt: '2026-11-22T10:00:00.000Z', updatedAt: '2026-11-22T11:00:00.000Z' },
    });
    // The same again is no change.
    expect((await send('PATCH', `${NOTES}/first`, change)).body).toMatchObject({ revision: 2 });
    const { body: history } = await servers.get(`${NOTES}/first/history`);
    expect(history.items).toEqual([
      {
        ...{ revision: 2, author: 'grace', markdown: 'It came back.' },
        writtenAt: '2026-11-22T11:00:00.000Z',
      },
      {
        ...{ revision: 1, author: 'ada', markdown: 'Rewound to **100**.' },
        writtenAt: '2026-11-22T10:00:00.000Z',
      },
    ]);
  });

  it('loses neither of two changes at once', async () => {
    const texts = ['one', 'two', 'three', 'four'];
    await Promise.all(
      texts.map((markdown) => send('PATCH', `${NOTES}/first`, { markdown, author: 'all' })),
    );
    const { body } = await servers.get(`${NOTES}/first/history`);
    const said = body.items.map(({ markdown }: { markdown: string }) => markdown);
    expect(said).toHaveLength(6);
    expect(said).toEqual(expect.arrayContaining(texts));
  });

  it('is found by spike, by layer and by steps', async () => {
    const note = { markdown: 'x', author: 'ada' };
    await send('POST', NOTES, { ...note, id: 'layer', layer: 1 });
    await send('POST', NOTES, { ...note, id: 'range', fromStep: 200, toStep: 300 });
    expect(await idsOf('')).toEqual(expect.arrayContaining(['first', 'layer', 'range']));
    expect(await idsOf('?spikeId=1-loss_spike-120')).toEqual(['first']);
    expect(await idsOf('?layer=1')).toEqual(['layer']);
    expect(await idsOf('?fromStep=250&toStep=260')).toEqual(['range']);
    expect(await idsOf('?fromStep=100&toStep=200')).toEqual(
      expect.arrayContaining(['first', 'range']),
    );
    expect(await idsOf('?fromStep=301')).toEqual([]);
  });

  it('leaves lists and reports when it is deleted, but not its history', async () => {
    expect((await send('DELETE', `${NOTES}/range`)).body).toEqual({ id: 'range', deleted: true });
    expect(await idsOf('?fromStep=250&toStep=260')).toEqual([]);
    expect((await send('DELETE', `${NOTES}/range`)).body.error.code).toBe('note_not_found');
    const change = { markdown: 'y', author: 'ada' };
    expect((await send('PATCH', `${NOTES}/range`, change)).status).toBe(404);
    expect((await servers.get(`${NOTES}/range/history`)).body.items).toHaveLength(1);
  });

  it('must be about something that is there, and say something', async () => {
    const note = { markdown: 'x', author: 'ada' };
    const refused = async (value: object) => {
      const { status, body } = await send('POST', NOTES, value);
      return `${status} ${body.error.code} ${body.error.details?.[0]?.path ?? ''}`.trim();
    };
    expect(await refused({ ...note })).toBe('422 invalid_body spikeId');
    expect(await refused({ ...note, markdown: ' \n', layer: 0 })).toBe('422 invalid_body markdown');
    expect(await refused({ markdown: 'x', layer: 0 })).toBe('422 invalid_body author');
    expect(await refused({ ...note, fromStep: 9, toStep: 8 })).toBe('422 invalid_body toStep');
    expect(await refused({ ...note, layer: 99 })).toBe('404 layer_not_found');
    expect(await refused({ ...note, spikeId: 'none' })).toBe('404 spike_not_found');
    expect(await refused({ ...note, fromStep: 1, attempt: 7 })).toBe('404 attempt_not_found');
  });

  it('stands in the postmortem of its spike', async () => {
    const { body } = await servers.get('/api/v1/runs/run/spikes/1-loss_spike-120/postmortem');
    expect(body.notes.map(({ id }: { id: string }) => id)).toEqual(['first']);
  });

  it('goes with its run', async () => {
    expect((await send('DELETE', '/api/v1/runs/run')).status).toBe(200);
    expect(await servers.db.prisma.note.count()).toBe(0);
    expect(await servers.db.prisma.noteRevision.count()).toBe(0);
  });
});

describe('where tokens are required', () => {
  it('is written by whoever may post, of this project alone', async () => {
    const guarded = await startServers({ requireTokens: true });
    try {
      const token = async (project: string, scope: 'read' | 'ingest') =>
        (await createToken(guarded.db, { name: 'a token', project, scope }, clock)).plaintext;
      const { project } = aRun('run');
      const mine = await token(project, 'ingest');
      const as = (plaintext: string) => ({ Authorization: `Bearer ${plaintext}` });
      await guarded.post('/api/v1/runs', aRun('run'), as(mine));
      const note = { markdown: 'x', author: 'ada', fromStep: 1 };
      const statuses = [];
      for (const plaintext of [
        mine,
        await token(project, 'read'),
        await token('other', 'ingest'),
      ]) {
        statuses.push((await guarded.post(NOTES, note, as(plaintext))).status);
      }
      expect(statuses).toEqual([201, 403, 403]);
      expect((await guarded.post(NOTES, note)).status).toBe(401);
    } finally {
      await guarded.stop();
    }
  });
});
