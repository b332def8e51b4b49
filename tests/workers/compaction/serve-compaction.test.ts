import { EventEmitter, once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { Compactor } from '@/lib/store/compaction/compactor';
import { serveCompaction } from '@/workers/compaction/serve-compaction';
import type { CompactionProgress, CompactionReply } from '@/workers/compaction/thread-messages';
import type { ReadyReply } from '@/workers/threads/thread-log';

const HOUR_MS = 60 * 60_000;
const NOW = new Date('2026-01-01T00:00:00Z');

/** A compactor with nothing to do but retention, of which it keeps count. */
function idleCompactor(retain: Compactor['retain']): Compactor {
  return {
    findHotAttempts: () => Promise.resolve([]),
    compact: () => Promise.reject(new Error('nothing is hot')),
    findRoundable: () => Promise.resolve([]),
    round: () => Promise.reject(new Error('nothing is to be rounded')),
    retain,
    releaseMemory: () => undefined,
    close: () => Promise.resolve(),
  };
}

it('lets go what policies do not keep once an hour, batch by batch, and again after a failure', async () => {
  const { port1, port2 } = new MessageChannel();
  let clockMs = 0;
  const looks: Date[] = [];
  let isBroken = false;
  const compactor = idleCompactor(async function* (now) {
    looks.push(now);
    await Promise.resolve();
    if (isBroken) throw new Error('the connection broke');
    const batch = { kind: 'raw', attempt: 1, steps: 64, rows: 2, sizeBytes: 100 } as const;
    yield batch;
    yield null;
    yield batch;
  });
  const service = serveCompaction(
    port1,
    () => compactor,
    () => clockMs,
    () => NOW,
  );
  const progressWhere = async (
    holds: (progress: CompactionProgress) => boolean,
  ): Promise<CompactionProgress> => {
    for (;;) {
      const [message] = (await once(port2, 'message')) as [CompactionReply | ReadyReply];
      if (message.kind === 'progress' && holds(message.progress)) return message.progress;
    }
  };
  const first = await progressWhere(({ releasedRows }) => releasedRows === 4);
  expect(first.releasedBytes).toBe(200);
  expect(looks).toEqual([NOW]);

  // Whatever wakes it before the hour is over finds nothing to do.
  clockMs = HOUR_MS - 1;
  port2.postMessage({ kind: 'forget', runKey: 'x' });
  isBroken = true;
  clockMs = HOUR_MS;
  port2.postMessage({ kind: 'forget', runKey: 'x' });
  const broken = await progressWhere(({ failures }) => failures === 1);
  expect(broken).toMatchObject({ releasedRows: 4, lastFailure: 'the connection broke' });
  isBroken = false;
  clockMs = 2 * HOUR_MS;
  port2.postMessage({ kind: 'forget', runKey: 'x' });
  await progressWhere(({ releasedRows }) => releasedRows === 8);
  expect(looks).toHaveLength(3);

  port2.postMessage({ kind: 'close' });
  await service.closed;
  port2.close();
});

it('gives its memory back once nothing was to be done for a minute', async () => {
  const { port1, port2 } = new MessageChannel();
  let clockMs = 0;
  let buffers: ArrayBuffer | null = new ArrayBuffer(1024);
  const held = new WeakRef(buffers);
  const service = serveCompaction(
    port1,
    () => ({
      ...idleCompactor(async function* () {}),
      releaseMemory: () => (buffers = null),
    }),
    () => clockMs,
    () => NOW,
  );
  while (buffers !== null) {
    clockMs += 60_000;
    port2.postMessage({ kind: 'forget', runKey: 'x' });
    await setImmediate();
  }
  // Not at its next work: what was let go is collected at once.
  expect(held.deref()).toBeUndefined();

  port2.postMessage({ kind: 'close' });
  await service.closed;
  port2.close();
});

it('closes at once, also when it is told so while it looks for old blocks', async () => {
  const { port1, port2 } = new MessageChannel();
  let clockMs = 0;
  let rounds = 0;
  const looks = new EventEmitter();
  const service = serveCompaction(
    port1,
    () => ({
      ...idleCompactor(async function* () {}),
      findRoundable: () => {
        rounds++;
        return rounds === 1
          ? Promise.resolve([])
          : new Promise((found) => looks.emit('begun', () => found([])));
      },
    }),
    () => clockMs,
    () => NOW,
  );
  // A quarter of an hour after the first look, when nothing else is due.
  const begun = once(looks, 'begun');
  while (rounds < 2) {
    await setImmediate();
    if (rounds === 1) clockMs = HOUR_MS / 4;
    port2.postMessage({ kind: 'forget', runKey: 'x' });
  }
  const [answer] = (await begun) as [() => void];
  const told = new Promise<void>((resolve) => {
    port1.on('message', ({ kind }: { readonly kind: string }) => {
      if (kind === 'close') resolve();
    });
  });
  port2.postMessage({ kind: 'close' });
  await told;
  answer();
  await service.closed;
  port2.close();
  // Asleep it would stay so for a minute.
}, 20_000);
