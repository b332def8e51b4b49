import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import { type MailReceiver, startMailReceiver } from './mail-receiver';
import { type Answer, type Receiver, startReceiver } from './receiver';

/** From a frame that trips a rule to everybody who is to be told, as the worker does it. */
let servers: TestServers;
let hook: Receiver;
let chat: Receiver;
let mail: MailReceiver;
let answer: Answer = { status: 200 };

beforeAll(async () => {
  hook = await startReceiver(() => answer);
  chat = await startReceiver();
  mail = await startMailReceiver();
  servers = await startServers({
    foldsAlerts: true,
    alerts: {
      publicUrl: 'https://spikes.example.org',
      allowedHosts: [`127.0.0.1:${hook.port}`, `127.0.0.1:${chat.port}`],
      mail: { smtpUrl: `smtp://127.0.0.1:${mail.port}`, from: 'spikes@example.org' },
    },
  });
  await servers.post('/api/v1/runs', aRun('run', 2, { project: 'p' }));
});
afterAll(async () => {
  await servers.stop();
  await hook.close();
  await chat.close();
  await mail.close();
});

const made = async (path: string, value: unknown): Promise<string> => {
  const { status, body } = await servers.post(`/api/v1/projects/p/${path}`, value);
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
};
const post = (step: number, loss: number) =>
  servers.post('/api/v1/runs/run/frames', { frames: [{ step, loss }] });

it('tells a webhook, a chat and a mailbox of one incident, once', async () => {
  const channelIds = [
    await made('alert-channels', { name: 'hook', target: { kind: 'webhook', url: hook.url } }),
    await made('alert-channels', { name: 'chat', target: { kind: 'slack', url: chat.url } }),
    await made('alert-channels', {
      name: 'mail',
      target: { kind: 'email', to: ['ada@example.org'] },
    }),
  ];
  await made('alert-rules', {
    ...{ name: 'Loss above 6', severity: 'page', channelIds },
    condition: { kind: 'threshold', metric: 'loss', side: 'above', limit: 6, closeAfter: 2 },
  });
  const letter = mail.next();
  for (const [step, loss] of [2, 7, 8, 7.5].entries()) await post(step, loss);
  const [webhook] = await hook.waitFor(1);
  const [slack] = await chat.waitFor(1);
  const { raw, to } = await letter;
  expect(JSON.parse(webhook!.body)).toMatchObject({
    ...{ kind: 'incident', project: 'p', run: { id: 'run', attempt: 1 } },
    incident: { rule: 'Loss above 6', severity: 'page', openedStep: 1, layerCount: 0 },
  });
  expect(webhook!.headers).toHaveProperty('spikescope-signature');
  expect(JSON.parse(slack!.body).text).toContain('/runs/run?step=1|Open the run>');
  expect(to).toEqual(['ada@example.org']);
  const text = raw.replaceAll('=\r\n', '').replaceAll('=3D', '=');
  expect(text).toContain('Open the run: https://spikes.example.org/runs/run?step=1\r\n');

  // It trembles, and comes back: still one. Then another.
  for (const [step, loss] of [2, 7, 2, 2, 2].entries()) await post(4 + step, loss);
  await post(9, 9);
  await hook.waitFor(2);
  const steps = hook.received.map(({ body }) => JSON.parse(body).incident.openedStep);
  expect(steps).toEqual([1, 9]);
});

it('shows what was given up, and sends it again by a click', async () => {
  answer = { status: 410 };
  const seen = hook.received.length;
  for (const [step, loss] of [2, 2, 2, 9].entries()) await post(10 + step, loss);
  await hook.waitFor(seen + 1);
  const dead = async (): Promise<{ id: string; lastError: string }[]> => {
    const { body } = await servers.get('/api/v1/projects/p/alert-deliveries?status=dead');
    return body.items;
  };
  await expect.poll(dead).toMatchObject([{ lastError: 'it answered 410' }]);
  const [{ id } = { id: '' }] = await dead();
  answer = { status: 200 };
  await servers.post(`/api/v1/projects/p/alert-deliveries/${id}/retry`, {});
  await hook.waitFor(seen + 2);
  const ids = hook.received.slice(seen).map(({ headers }) => headers['spikescope-id']);
  expect(ids).toEqual([id, id]);
  await expect.poll(dead).toEqual([]);
});
