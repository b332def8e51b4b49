/**
 * The training job and the other viewers of a measurement, as a process of their own: posts
 * one step a post at a pace, with sockets that take what is published. Takes one order over
 * the IPC channel, stops at any second message, and answers with when each step was sent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { LIVE_NAMESPACE, LIVE_PATH } from '../../lib/contract/live';
import { FrameBodies } from '../ingest/frame-bodies';
import type { TrainingOrder, TrainingReport } from './training-order';

let isStopped = false;

async function openViewers(
  order: TrainingOrder,
): Promise<{ sockets: Socket[]; received: () => number }> {
  let received = 0;
  const sockets = Array.from({ length: order.viewers }, () =>
    io(order.url + LIVE_NAMESPACE, {
      path: LIVE_PATH,
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    }),
  );
  await Promise.all(
    sockets.map(async (socket) => {
      socket.on('frames', () => received++);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('connect_error', reject);
      });
      await socket.emitWithAck('subscribe', {
        runId: order.runId,
        metric: 'gradient_norm',
        afterStep: -1,
      });
    }),
  );
  return { sockets, received: () => received };
}

async function run(order: TrainingOrder): Promise<TrainingReport> {
  const { sockets, received } = await openViewers(order);
  process.send?.('ready');
  const bodies = new FrameBodies({ layers: order.layers, metrics: 1, stepsPerPost: 1 });
  const sent: [step: number, atMs: number][] = [];
  const acknowledgedMs: number[] = [];
  const startMs = performance.now();
  const posts: Promise<void>[] = [];
  for (let index = 0; index < order.posts && !isStopped; index++) {
    await delay(Math.max(0, startMs + (index * 1000) / order.postsPerSecond - performance.now()));
    const step = order.firstStep + index;
    const { head, tail } = bodies.take(step);
    const sentMs = performance.timeOrigin + performance.now();
    sent.push([step, sentMs]);
    posts.push(
      fetch(`${order.url}/api/v1/runs/${order.runId}/frames`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/vnd.safetensors' },
        body: Buffer.concat([head, tail]),
      }).then(async (reply) => {
        const text = await reply.text();
        if (!reply.ok) throw new Error(`step ${step}: ${reply.status} ${text}`);
        acknowledgedMs.push(performance.timeOrigin + performance.now() - sentMs);
      }),
    );
  }
  await Promise.all(posts);
  for (const socket of sockets) socket.disconnect();
  return { sent, acknowledgedMs, viewerMessages: received() };
}

process.once('message', (order: TrainingOrder) => {
  process.once('message', () => (isStopped = true));
  run(order).then(
    (report) => process.send?.(report, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
