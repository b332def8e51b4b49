import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { claimDelivery, retryDelivery } from '@/lib/store/alerts/alert-deliveries';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { silentLogger, useDatabase } from '@/tests/database';
import { type Delivery, createDelivery } from '@/workers/alerts/deliver/delivery';
import { createMessageSender } from '@/workers/alerts/deliver/message-sender';
import { sign } from '@/workers/alerts/deliver/sign';
import { webhookBodySchema } from '@/workers/alerts/deliver/webhook-body';
import {
  OPENED_AT,
  findDelivery,
  makeChannel,
  makeDelivery,
  makeIncident,
  makeRun,
} from '../message-rows';
import { type Answer, type Receiver, startReceiver } from '../receiver';

const database = useDatabase();
const SECRET = 'a secret of sixteen and more';
const running: Delivery[] = [];
const receivers: Receiver[] = [];
let clock = OPENED_AT;

beforeAll(() => makeRun(database.db));
afterEach(async () => {
  await Promise.all(running.splice(0).map((delivery) => delivery.close()));
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
  await database.db.prisma.alertDelivery.deleteMany();
  await database.db.prisma.incident.deleteMany();
  await database.db.prisma.alertChannel.deleteMany();
  clock = OPENED_AT;
});

async function receive(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...args);
  receivers.push(receiver);
  return receiver;
}

function begin(over: Partial<{ maxConcurrent: number; timeoutMs: number }> = {}): Delivery {
  // A receiver that hangs is meant to hang for as long as a test takes.
  const { timeoutMs = 600_000, ...options } = over;
  const delivery = createDelivery({
    db: database.db,
    logger: silentLogger,
    now: () => clock,
    random: () => 0.5,
    sender: createMessageSender({
      settings: {
        publicUrl: 'https://spikes.example.org',
        allowedHosts: ['127.0.0.1'],
        mail: null,
      },
      now: () => clock,
      outgoing: { timeoutMs },
    }),
    ...options,
  });
  running.push(delivery);
  return delivery;
}

const toWebhook = (url: string, over: Parameters<typeof makeChannel>[2] = {}) =>
  makeChannel(database.db, { kind: 'webhook', url }, over);

/** A message of a new incident to a new channel at this receiver. */
async function waitingFor(receiver: Receiver, secret: string | null = null): Promise<string> {
  const channel = await toWebhook(`${receiver.url}/hook`, { secret });
  return makeDelivery(database.db, { incident: await makeIncident(database.db), channel });
}

describe('a message', () => {
  it('arrives signed, with its id, its facts and its links', async () => {
    const receiver = await receive();
    const id = await waitingFor(receiver, SECRET);
    await begin().settled();
    const [{ headers, body, path } = { headers: {}, body: '', path: '' }] = receiver.received;
    expect(path).toBe('/hook');
    expect(headers).toMatchObject({
      ...{ 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Spikescope' },
      'spikescope-id': id,
      'spikescope-signature': sign(SECRET, body, clock),
    });
    expect(webhookBodySchema.parse(JSON.parse(body))).toMatchObject({
      ...{ kind: 'incident', id, project: 'tests', createdAt: OPENED_AT.toISOString() },
      run: {
        ...{ id: 'run', name: 'A run', attempt: 2 },
        url: 'https://spikes.example.org/runs/run?step=120012&layer=0',
      },
      incident: {
        ...{ title: 'The loss rose from 2.31 to 4.25', openedStep: 120_012, peakValue: 4.25 },
        layers: [
          { index: 0, name: 'layer.0' },
          { index: 3, name: 'layer.3' },
        ],
        postmortemUrl: 'https://spikes.example.org/runs/run/spikes/2-loss_spike-120012',
      },
    });
    expect(await findDelivery(database.db, id)).toMatchObject({
      ...{ status: 'delivered', attempts: 1, deliveredAt: clock, lastError: null },
    });
  });

  it('is sent when it is told of, and only once', async () => {
    const receiver = await receive();
    const delivery = begin();
    await delivery.settled();
    await waitingFor(receiver);
    for (let i = 0; i < 20; i++) delivery.kick();
    await delivery.settled();
    expect(receiver.received).toHaveLength(1);
    expect(delivery.status()).toEqual({
      ...{ underWay: 0, delivered: 1, failed: 0, dead: 0, outages: 0 },
    });
  });

  it('is sent though nobody tells of it', async () => {
    const receiver = await receive();
    await begin().settled();
    await waitingFor(receiver);
    await receiver.waitFor(1);
  });

  it('carries no signature without a secret, and goes to Slack as Slack wants it', async () => {
    const receiver = await receive(() => ({ status: 200, body: 'ok' }));
    const channel = await makeChannel(database.db, { kind: 'slack', url: receiver.url });
    await makeDelivery(database.db, { incident: await makeIncident(database.db), channel });
    await begin().settled();
    const [{ headers, body } = { headers: {}, body: '{}' }] = receiver.received;
    expect(headers).not.toHaveProperty('spikescope-signature');
    expect(JSON.parse(body)).toMatchObject({
      text: expect.stringContaining('*Act now: The loss rose from 2.31 to 4.25*') as string,
      blocks: [{ type: 'header' }, {}, {}, {}],
    });
  });
});

describe('a message that fails', () => {
  it('is tried again after longer and longer waits, under the same id, until it arrives', async () => {
    const answers: Answer[] = [
      { status: 500, body: 'out of order\n' },
      { status: 404 },
      { status: 200 },
    ];
    const receiver = await receive((_, index) => answers[index]!);
    const id = await waitingFor(receiver);
    const delivery = begin();
    const seen = [];
    for (const waitMs of [0, 5_000, 15_000]) {
      clock = new Date(clock.getTime() + waitMs);
      delivery.kick();
      await delivery.settled();
      // Until its time has come nothing is sent.
      delivery.kick();
      await delivery.settled();
      const { status, attempts, lastError, nextAttemptAt } = await findDelivery(database.db, id);
      seen.push([status, attempts, lastError, nextAttemptAt.getTime() - clock.getTime()]);
    }
    expect(seen.slice(0, 2)).toEqual([
      ['pending', 1, 'it answered 500: out of order', 5_000],
      ['pending', 2, 'it answered 404', 15_000],
    ]);
    expect(seen[2]!.slice(0, 3)).toEqual(['delivered', 3, null]);
    const ids = receiver.received.map(({ headers }) => headers['spikescope-id']);
    expect(ids).toEqual([id, id, id]);
  });

  it('is dead after twelve tries, kept, and sent again when somebody asks', async () => {
    let status = 503;
    const receiver = await receive(() => ({ status }));
    const id = await waitingFor(receiver);
    const delivery = begin();
    for (let i = 0; i < 20; i++) {
      await delivery.settled();
      clock = new Date(clock.getTime() + 7 * 3_600_000);
      delivery.kick();
    }
    await delivery.settled();
    expect(receiver.received).toHaveLength(12);
    expect(await findDelivery(database.db, id)).toMatchObject({
      ...{ status: 'dead', attempts: 12, lastError: 'it answered 503' },
    });
    expect(delivery.status()).toMatchObject({ dead: 1, failed: 11 });

    status = 200;
    await retryDelivery(database.db, 'tests', id, clock);
    delivery.kick();
    await delivery.settled();
    expect(await findDelivery(database.db, id)).toMatchObject({
      ...{ status: 'delivered', attempts: 1, lastError: null },
    });
  });

  it('is given up at once where the receiver says that it is gone', async () => {
    const receiver = await receive(() => ({ status: 410 }));
    const id = await waitingFor(receiver);
    await begin().settled();
    expect(await findDelivery(database.db, id)).toMatchObject({
      ...{ status: 'dead', attempts: 1, lastError: 'it answered 410' },
    });
  });

  it('waits as long as the receiver asks for', async () => {
    const receiver = await receive(() => ({ status: 429, headers: { 'Retry-After': '90' } }));
    const id = await waitingFor(receiver);
    await begin().settled();
    const { nextAttemptAt } = await findDelivery(database.db, id);
    expect(nextAttemptAt.getTime() - clock.getTime()).toBe(90_000);
  });

  it('says that redirects are not followed', async () => {
    const inner = await receive();
    const receiver = await receive(() => ({ status: 302, headers: { Location: inner.url } }));
    const id = await waitingFor(receiver);
    await begin().settled();
    expect((await findDelivery(database.db, id)).lastError).toMatch(
      /^it answered 302, which leads to another address; redirects are not followed/,
    );
    expect(inner.connections()).toBe(0);
  });

  it('says that its address is refused, and is tried again: the operator may allow it', async () => {
    const channel = await toWebhook('http://10.0.0.1/hook');
    const incident = await makeIncident(database.db);
    const id = await makeDelivery(database.db, { incident, channel });
    await begin().settled();
    const { status, lastError } = await findDelivery(database.db, id);
    expect([status, lastError]).toEqual([
      'pending',
      expect.stringContaining('10.0.0.1 is a private address'),
    ]);
  });

  it('is given up where its channel was switched off or is gone', async () => {
    const receiver = await receive();
    const incident = await makeIncident(database.db);
    const off = await toWebhook(receiver.url, { isEnabled: false });
    const gone = await toWebhook(receiver.url);
    const ids = [];
    for (const channel of [off, gone]) {
      ids.push(await makeDelivery(database.db, { incident, channel }));
    }
    await database.db.prisma.alertChannel.deleteMany({ where: { channelKey: gone } });
    await begin().settled();
    const errors = [];
    for (const id of ids) errors.push((await findDelivery(database.db, id)).lastError);
    expect(errors).toEqual(['its channel is switched off', 'its channel was removed']);
    expect(receiver.received).toHaveLength(0);
  });
});

describe('many messages', () => {
  it('go to a channel one at a time, the oldest first', async () => {
    let open = 0;
    let most = 0;
    const receiver = await receive(async () => {
      most = Math.max(most, ++open);
      // Others would come in meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return { status: 200 };
    });
    const channel = await toWebhook(receiver.url);
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      const at = new Date(OPENED_AT.getTime() + i);
      const incident = await makeIncident(database.db);
      ids.push(await makeDelivery(database.db, { incident, channel, at }));
    }
    clock = new Date(OPENED_AT.getTime() + 100);
    await begin().settled();
    expect(receiver.received.map(({ headers }) => headers['spikescope-id'])).toEqual(ids);
    expect(most).toBe(1);
  });

  it('wait for no receiver but their own', async () => {
    const hanging = await receive(() => null);
    const quick = await receive();
    const incident = await makeIncident(database.db);
    const stuck = await toWebhook(hanging.url, { name: 'stuck' });
    for (let i = 0; i < 5; i++) {
      // Older than all others, and more of them.
      const at = new Date(OPENED_AT.getTime() - 60_000 + i);
      await makeDelivery(database.db, { incident, channel: stuck, at });
    }
    const others = await Promise.all(
      Array.from({ length: 4 }, () => toWebhook(quick.url, { name: 'quick' })),
    );
    for (const channel of others) {
      for (let i = 0; i < 3; i++) await makeDelivery(database.db, { incident, channel });
    }
    const delivery = begin();
    await quick.waitFor(12);
    await hanging.waitFor(1);
    // All others have gone while the first request of the stuck channel hangs.
    expect(hanging.received).toHaveLength(1);
    expect(delivery.status().underWay).toBeGreaterThanOrEqual(1);
  });

  it('have room left, however many receivers hang', async () => {
    const hanging = await receive(() => null);
    const quick = await receive();
    const incident = await makeIncident(database.db);
    for (let i = 0; i < 3; i++) {
      const channel = await toWebhook(hanging.url);
      await makeDelivery(database.db, { incident, channel, at: new Date(OPENED_AT.getTime() - 1) });
    }
    // They are known to fail.
    await database.db.prisma.alertDelivery.updateMany({ data: { attempts: 1 } });
    const channel = await toWebhook(quick.url);
    for (let i = 0; i < 3; i++) await makeDelivery(database.db, { incident, channel });
    const delivery = begin({ maxConcurrent: 2 });
    await quick.waitFor(3);
    await hanging.waitFor(1);
    expect([delivery.status().underWay, hanging.received.length]).toEqual([
      expect.toBeOneOf([1, 2]),
      1,
    ]);
  });

  it('go to no more channels at once than is allowed, each in its turn', async () => {
    let open = 0;
    let most = 0;
    const receiver = await receive(async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return { status: 200 };
    });
    const incident = await makeIncident(database.db);
    for (let i = 0; i < 9; i++) {
      await makeDelivery(database.db, { incident, channel: await toWebhook(receiver.url) });
    }
    await begin({ maxConcurrent: 3 }).settled();
    expect(receiver.received).toHaveLength(9);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('are sent by one process each, though two look at once', async () => {
    const receiver = await receive();
    const incident = await makeIncident(database.db);
    const ids = [];
    for (let i = 0; i < 20; i++) {
      ids.push(
        await makeDelivery(database.db, { incident, channel: await toWebhook(receiver.url) }),
      );
    }
    const two = [begin(), begin()];
    while (receiver.received.length < ids.length) {
      await Promise.all(two.map((delivery) => delivery.settled()));
    }
    await Promise.all(two.map((delivery) => delivery.settled()));
    const sent = receiver.received.map(({ headers }) => String(headers['spikescope-id']));
    expect(sent.sort()).toEqual([...ids].sort());
  });
});

describe('a process that ends', () => {
  it('gives back what it was sending, and the next sends it again under the same id', async () => {
    let answer: Answer = null;
    const receiver = await receive(() => answer);
    const id = await waitingFor(receiver);
    const first = begin();
    await receiver.waitFor(1);
    await first.close();
    expect(await findDelivery(database.db, id)).toMatchObject({ status: 'pending', attempts: 0 });
    answer = { status: 200 };
    await begin().settled();
    expect(receiver.received.map(({ headers }) => headers['spikescope-id'])).toEqual([id, id]);
    expect(await findDelivery(database.db, id)).toMatchObject({ status: 'delivered', attempts: 1 });
  });

  it('and gave nothing back is followed once its claim has run out', async () => {
    const receiver = await receive();
    const id = await waitingFor(receiver);
    const row = { runKey: runKeyOf('run'), deliveryKey: id };
    const claimed = await claimDelivery(database.db, row, { now: clock, leaseMs: 60_000 });
    expect(claimed).toMatchObject({ attempt: 1, createdAt: OPENED_AT });
    const delivery = begin();
    await delivery.settled();
    expect(receiver.received).toHaveLength(0);
    clock = new Date(clock.getTime() + 60_000);
    delivery.kick();
    await delivery.settled();
    expect(receiver.received).toHaveLength(1);
    expect(await findDelivery(database.db, id)).toMatchObject({ status: 'delivered', attempts: 2 });
  });

  it('again and again over one message does not do so for ever', async () => {
    const receiver = await receive();
    const id = await waitingFor(receiver);
    await database.db.prisma.alertDelivery.updateMany({ data: { attempts: 12 } });
    await begin().settled();
    expect(await findDelivery(database.db, id)).toMatchObject({
      ...{ status: 'dead', lastError: 'no try came to an end' },
    });
    expect(receiver.received).toHaveLength(0);
  });
});
