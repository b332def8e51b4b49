import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

const frames = (id: string) => `/api/v1/runs/${id}/frames`;

describe('POST /runs', () => {
  it('creates a run once and gives the same one again', async () => {
    const first = await servers.post('/api/v1/runs', aRun('create'));
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      id: 'create',
      attempt: 1,
      nextStep: 0,
      url: `${servers.url}/runs/create`,
    });
    const again = await servers.post('/api/v1/runs', aRun('create'));
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
  });

  it('names a run that gives no id, every time another', async () => {
    const body = { ...aRun('x'), id: undefined };
    const [a, b] = [
      await servers.post('/api/v1/runs', body),
      await servers.post('/api/v1/runs', body),
    ];
    expect(a.status).toBe(201);
    expect(a.body.id).not.toBe(b.body.id);
  });

  it('refuses other layers and another project under a known id', async () => {
    await servers.post('/api/v1/runs', aRun('taken'));
    const layers = await servers.post('/api/v1/runs', aRun('taken', 3));
    expect([layers.status, layers.body.error.code]).toEqual([409, 'layers_differ']);
    const project = await servers.post('/api/v1/runs', aRun('taken', 2, { project: 'other' }));
    expect([project.status, project.body.error.code]).toEqual([409, 'id_taken']);
  });

  it('keeps every field of every layer, of as many as there may be', async () => {
    const layers = Array.from({ length: 65_536 }, (_, index) => ({
      name: `h.${index} "é" \\ {1,2}`,
      parameterCount: Number.MAX_SAFE_INTEGER - index,
      ...(index % 2 === 0 ? { kind: 'attention', depth: index } : {}),
      ...(index % 3 === 0 ? { shape: index % 2 === 0 ? [] : [index, 2 ** 40] } : {}),
    }));
    const created = await servers.post('/api/v1/runs', { ...aRun('largest'), layers });
    expect(created.status).toBe(201);
    const { body } = await servers.get('/api/v1/runs/largest');
    const expected = layers.map((layer, index) => ({ ...layer, index }));
    expect(body.layers).toEqual(expected);
  });

  it('keeps the settings of the last resume while no frame has come', async () => {
    await servers.post('/api/v1/runs', aRun('settings'));
    await servers.post('/api/v1/runs/settings/frames', { frames: [{ step: 0, loss: 1 }] });
    const resumed = (beta2: number) =>
      aRun('settings', 2, { resumeFromStep: 1, optimizer: { name: 'adamw', beta1: 0.9, beta2 } });
    expect((await servers.post('/api/v1/runs', resumed(0.99))).status).toBe(201);
    const { status, body } = await servers.post('/api/v1/runs', resumed(0.95));
    expect([status, body.attempt]).toEqual([200, 2]);
    const { body: settings } = await servers.get('/api/v1/runs/settings/settings');
    expect(settings.attempts[1].optimizer.beta2).toBe(0.95);
    expect(settings.attempts[0].optimizer.epsilon).toBe(1e-8);
  });

  it('opens an attempt at a resume, and gives that one to every rank that asks', async () => {
    await servers.post('/api/v1/runs', aRun('resume'));
    await servers.post(frames('resume'), {
      frames: [1, 2, 3, 4].map((step) => ({ step, loss: step })),
    });
    const resumed = await servers.post('/api/v1/runs', aRun('resume', 2, { resumeFromStep: 3 }));
    expect([resumed.status, resumed.body.attempt, resumed.body.nextStep]).toEqual([201, 2, 3]);
    const again = await servers.post('/api/v1/runs', aRun('resume', 2, { resumeFromStep: 3 }));
    expect([again.status, again.body.attempt]).toEqual([200, 2]);
    await servers.post(frames('resume'), { frames: [{ step: 3, loss: 30 }] });
    const third = await servers.post('/api/v1/runs', aRun('resume', 2, { resumeFromStep: 3 }));
    expect(third.body.attempt).toBe(3);
    const early = await servers.post(frames('resume'), {
      frames: [
        { step: 1, loss: 9 },
        { step: 3, loss: 31 },
      ],
    });
    expect(early.body).toMatchObject({
      accepted: 1,
      rejected: [{ step: 1, code: 'step_before_resume' }],
    });
    const timeline = await servers.get('/api/v1/runs/resume/timeline?series=loss');
    expect(timeline.body.series[0].points.map((p: { max: number }) => p.max)).toEqual([1, 2, 31]);
    const old = await servers.get('/api/v1/runs/resume/timeline?series=loss&attempt=1');
    expect(old.body.series[0].points).toHaveLength(4);
  });

  it.each([
    [{ project: '' }, 'project'],
    [{ id: 'with space' }, 'id'],
    [{ id: '..' }, 'id'],
    [{ optimizer: undefined }, 'optimizer'],
    [{ optimizer: { name: 'adam', beta1: 2 } }, 'optimizer.beta1'],
    [{ layers: [{ name: 'a', parameterCount: 0 }] }, 'layers.0.parameterCount'],
    [
      {
        layers: [
          { name: 'a', parameterCount: 1 },
          { name: 'a', parameterCount: 1 },
        ],
      },
      'layers.1.name',
    ],
    [{ resumeFromStep: -1 }, 'resumeFromStep'],
  ])('answers 422 with the path for %j', async (overrides, path) => {
    const reply = await servers.post('/api/v1/runs', aRun('bad', 2, overrides));
    expect(reply.status).toBe(422);
    expect(reply.body.error.details[0].path).toBe(path);
  });
});

describe('events, finish, patch and delete', () => {
  it('keeps an event once', async () => {
    await servers.post('/api/v1/runs', aRun('events'));
    const event = { step: 3, kind: 'checkpoint', title: 'saved', detail: 'ckpt-3' };
    const first = await servers.post('/api/v1/runs/events/events', event);
    expect(first.status).toBe(201);
    expect((await servers.post('/api/v1/runs/events/events', event)).status).toBe(200);
    const { body } = await servers.get('/api/v1/runs/events/events');
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({ ...event, attempt: 1 });
    const bad = await servers.post('/api/v1/runs/events/events', { ...event, kind: 'party' });
    expect([bad.status, bad.body.error.details[0].path]).toEqual([422, 'kind']);
  });

  it('closes a run at finish and reopens it at a resume', async () => {
    await servers.post('/api/v1/runs', aRun('end'));
    const finish = () => servers.post('/api/v1/runs/end/finish', { status: 'failed' });
    expect((await finish()).status).toBe(200);
    expect((await finish()).status).toBe(200);
    const late = await servers.post(frames('end'), { frames: [{ step: 0, loss: 1 }] });
    expect([late.status, late.body.error.code]).toEqual([410, 'run_finished']);
    expect((await servers.get('/api/v1/runs/end')).body.status).toBe('failed');
    await servers.post('/api/v1/runs', aRun('end', 2, { resumeFromStep: 0 }));
    expect(
      (await servers.post(frames('end'), { frames: [{ step: 0, loss: 1 }] })).body.accepted,
    ).toBe(1);
    expect((await servers.get('/api/v1/runs/end')).body.status).toBe('running');
  });

  it('changes what people may change, and deletes', async () => {
    await servers.post('/api/v1/runs', aRun('edit'));
    const patch = (body: unknown) =>
      servers.api('/api/v1/runs/edit', {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await patch({ name: 'renamed', tags: ['a'], notes: 'n', pinned: true })).status).toBe(
      200,
    );
    expect((await servers.get('/api/v1/runs/edit')).body).toMatchObject({
      name: 'renamed',
      tags: ['a'],
      notes: 'n',
      pinned: true,
    });
    expect((await patch({ status: 'finished' })).status).toBe(422);
    await servers.post(frames('edit'), { frames: [{ step: 0, loss: 1 }] });
    expect((await servers.api('/api/v1/runs/edit', { method: 'DELETE' })).status).toBe(200);
    expect((await servers.get('/api/v1/runs/edit')).status).toBe(404);
    expect((await servers.post(frames('edit'), { frames: [{ step: 1, loss: 1 }] })).status).toBe(
      404,
    );
  });
});
