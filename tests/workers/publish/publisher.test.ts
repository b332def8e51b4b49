import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import type { Namespace, Server as IoServer } from 'socket.io';
import { type Socket, io } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import type { Frame } from '@/lib/contract/frame';
import { type HeatmapColumns, decodeHeatmapColumns } from '@/lib/contract/heatmap-columns';
import type { LiveFramesHead, SubscribeReply } from '@/lib/contract/live';
import { Publisher } from '@/workers/publish/publisher';
import { collectGarbage } from '@/workers/threads/collect-garbage';

let server: Server;
let publisher: Publisher;
let url: string;
let isAdmitted: boolean;
const clients: Socket[] = [];

beforeEach(async () => {
  isAdmitted = true;
  server = createServer();
  publisher = new Publisher(server, {
    logger: pino({ level: 'silent' }),
    admit: (headers) =>
      isAdmitted || headers.authorization === 'Bearer good'
        ? Promise.resolve(headers.authorization === 'Bearer good' ? 'alpha' : null)
        : Promise.reject(new AppError('unauthorized', 'no')),
    admitToRun: (_headers, runId) =>
      runId === 'r1'
        ? Promise.resolve({ layerCount: 3, attempt: 2, newestStep: 41 })
        : Promise.reject(new AppError('run_not_found', `there is no run ${runId}`)),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
});
afterEach(async () => {
  vi.useRealTimers();
  for (const client of clients.splice(0)) client.close();
  await publisher.close();
});

function connect(options: Record<string, unknown> = {}): Socket {
  const client = io(url, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    ...options,
  });
  clients.push(client);
  return client;
}

function subscribe(client: Socket, request: unknown): Promise<SubscribeReply> {
  return client.emitWithAck('subscribe', request) as Promise<SubscribeReply>;
}

interface Received {
  readonly head: LiveFramesHead;
  readonly columns: HeatmapColumns;
}

/** Resolves once `count` columns have come. */
function receive(client: Socket, count: number): Promise<Received[]> {
  return new Promise((resolve) => {
    const received: Received[] = [];
    let columnCount = 0;
    client.on('frames', (head: LiveFramesHead, body: Uint8Array) => {
      const columns = decodeHeatmapColumns(new Uint8Array(body));
      received.push({ head, columns });
      columnCount += columns.columnCount;
      if (columnCount >= count) resolve(received);
    });
  });
}

function aFrame(step: number, values: number[]): Frame {
  return {
    step,
    wallTime: 5,
    scalars: new Map([
      ['loss', step / 2],
      ['gradient_norm', 9],
    ]),
    layerCount: values.length,
    layerMetrics: new Map([['rms', Float32Array.from(values)]]),
    histograms: new Map(),
    samples: null,
  };
}

const subscription = { runId: 'r1', metric: 'rms', afterStep: 41 };

describe('Publisher', () => {
  it('answers a subscription with the newest step and pushes what is committed after it', async () => {
    const client = connect();
    expect(await subscribe(client, subscription)).toEqual({
      ok: true,
      newestStep: 41,
      attempt: 2,
      sequence: 0,
    });
    const received = receive(client, 1);
    publisher.publishFrames('r1', [{ attempt: 2, layerOffset: 1, frame: aFrame(42, [NaN, 7]) }]);
    const [{ head, columns }] = (await received) as [Received];
    expect(head).toEqual({ runId: 'r1', metric: 'rms', sequence: 1, attempt: 2 });
    expect(Array.from(columns.toStep)).toEqual([42]);
    expect(Array.from(columns.loss)).toEqual([21]);
    // Layer 0 belongs to another shard; layer 1 posted NaN.
    expect(Array.from(columns.values)).toEqual([NaN, NaN, 7]);
    expect(Array.from(columns.nonFinite)).toEqual([0, 1, 0]);
    expect(columns.scalars.get('gradient_norm')![0]).toBe(9);
  });

  it('gathers what comes within an interval into one message with one number', async () => {
    const client = connect();
    await subscribe(client, subscription);
    const received = receive(client, 21);
    for (let step = 42; step < 63; step++) {
      publisher.publishFrames('r1', [
        { attempt: 2, layerOffset: 0, frame: aFrame(step, [1, 2, 3]) },
      ]);
    }
    const messages = await received;
    expect(messages.length).toBeLessThanOrEqual(2);
    expect(messages.map(({ head }) => head.sequence)).toEqual(
      messages.map((_, index) => index + 1),
    );
    const steps = messages.flatMap(({ columns }) => Array.from(columns.toStep));
    expect(steps).toEqual(Array.from({ length: 21 }, (_, i) => 42 + i));
  });

  it('goes on at once when the clock of the machine is set back', async () => {
    const client = connect();
    await subscribe(client, subscription);
    const first = receive(client, 1);
    publisher.publishFrames('r1', [{ attempt: 2, layerOffset: 0, frame: aFrame(42, [1, 2, 3]) }]);
    await first;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    const second = receive(client, 1);
    publisher.publishFrames('r1', [{ attempt: 2, layerOffset: 0, frame: aFrame(43, [1, 2, 3]) }]);
    const [{ columns }] = (await second) as [Received];
    expect(Array.from(columns.toStep)).toEqual([43]);
  });

  it('says attempts apart and tells of a gap when more comes than one message holds', async () => {
    const client = connect();
    await subscribe(client, subscription);
    const received = receive(client, 4);
    publisher.publishFrames(
      'r1',
      Array.from({ length: 600 }, (_, i) => ({
        attempt: 2,
        layerOffset: 0,
        frame: aFrame(i, [1, 2, 3]),
      })),
    );
    publisher.publishFrames('r1', [
      { attempt: 2, layerOffset: 0, frame: aFrame(600, [1, 2, 3]) },
      { attempt: 2, layerOffset: 0, frame: aFrame(601, [1, 2, 3]) },
      { attempt: 3, layerOffset: 0, frame: aFrame(500, [1, 2, 3]) },
      { attempt: 3, layerOffset: 0, frame: aFrame(501, [1, 2, 3]) },
    ]);
    const messages = await received;
    // Number 1 is the gap that nobody receives.
    expect(messages.map(({ head }) => [head.sequence, head.attempt])).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });

  it('sends a run only to those who watch it, and one metric at a time', async () => {
    const client = connect();
    await subscribe(client, { ...subscription, metric: 'other' });
    await subscribe(client, subscription);
    const received = receive(client, 1);
    publisher.publishFrames('r2', [{ attempt: 1, layerOffset: 0, frame: aFrame(1, [1, 2, 3]) }]);
    publisher.publishFrames('r1', [{ attempt: 2, layerOffset: 0, frame: aFrame(42, [1, 2, 3]) }]);
    const messages = await received;
    expect(messages.map(({ head }) => [head.runId, head.metric])).toEqual([['r1', 'rms']]);
    expect(publisher.status()).toEqual({ viewers: 1, rooms: 1, skippedMessages: 0 });
  });

  it('passes on events and changes of the run', async () => {
    const client = connect();
    await subscribe(client, subscription);
    const event = new Promise((resolve) => client.once('event', resolve));
    const run = new Promise((resolve) => client.once('run', resolve));
    publisher.publishEvent({
      runId: 'r1',
      kind: 'checkpoint',
      step: 3,
      attempt: 2,
      title: 'saved',
    });
    publisher.publishRun({ runId: 'r1', status: 'finished', attempt: 2 });
    expect(await event).toMatchObject({ title: 'saved' });
    expect(await run).toEqual({ runId: 'r1', status: 'finished', attempt: 2 });
  });

  it.each([
    [{ runId: 'none', metric: 'rms', afterStep: 0 }, 'run_not_found'],
    [{ runId: 'r1', metric: 'rms' }, 'invalid_body'],
    ['nonsense', 'invalid_body'],
    [null, 'invalid_body'],
  ])('refuses the subscription %j with %s', async (request, code) => {
    const reply = await subscribe(connect(), request);
    expect(reply).toMatchObject({ ok: false, code });
    // What was wrong has a name, also where it is the request as a whole.
    if (!reply.ok) expect(reply.message).not.toMatch(/^:/);
  });

  it('refuses a connection that may not be here, and takes a token from the handshake', async () => {
    isAdmitted = false;
    const refused = connect();
    const error = await new Promise<Error>((resolve) => refused.once('connect_error', resolve));
    expect(error.message).toBe('no');
    const admitted = connect({ auth: { token: 'good' } });
    expect(await subscribe(admitted, subscription)).toMatchObject({ ok: true });
  });

  it('forgets a room when its last viewer leaves', async () => {
    const client = connect();
    await subscribe(client, subscription);
    expect(publisher.status().rooms).toBe(1);
    client.close();
    const other = connect();
    await subscribe(other, { ...subscription, metric: 'loss' });
    await expect.poll(() => publisher.status()).toMatchObject({ viewers: 1, rooms: 1 });
  });

  it('holds nothing of viewers that have gone, however they came and went', async () => {
    // What the publisher keeps to itself, counted here as a heap snapshot would.
    const { io: held, namespace } = publisher as unknown as { io: IoServer; namespace: Namespace };
    const countHeld = () => ({
      ...publisher.status(),
      connections: held.engine.clientsCount,
      names: namespace.adapter.rooms.size + namespace.adapter.sids.size,
      runs: (publisher as unknown as { roomsOfRun: ReadonlyMap<string, unknown> }).roomsOfRun.size,
    });
    const before = countHeld();
    const gone: WeakRef<object>[] = [];
    const comeAndGo = async (transports: readonly string[], isRude: boolean): Promise<void> => {
      const viewers = Array.from({ length: 10 }, () => connect({ transports }));
      await Promise.all(viewers.map((viewer) => subscribe(viewer, subscription)));
      const received = viewers.map((viewer) => receive(viewer, 1));
      publisher.publishFrames('r1', [{ attempt: 2, layerOffset: 0, frame: aFrame(42, [1, 2, 3]) }]);
      await Promise.all(received);
      for (const socket of namespace.sockets.values()) {
        gone.push(new WeakRef(socket), new WeakRef(socket.conn), new WeakRef(socket.request));
      }
      // Without a word, as a laptop that is closed, or with a proper end.
      if (isRude) server.closeAllConnections();
      for (const socket of isRude ? namespace.sockets.values() : []) socket.conn.close(true);
      for (const viewer of viewers) viewer.close();
      await expect.poll(countHeld).toEqual(before);
    };
    await comeAndGo(['websocket'], false);
    await comeAndGo(['polling', 'websocket'], false);
    await comeAndGo(['websocket'], true);
    clients.length = 0;
    expect(gone).toHaveLength(90);
    await expect
      .poll(() => {
        collectGarbage();
        return gone.filter((reference) => reference.deref() !== undefined).length;
      })
      .toBe(0);
  });
});
