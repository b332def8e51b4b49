import { describe, expect, it } from 'vitest';
import type { AdviceReply } from '@/lib/contract/advice';
import { AdviceWatch } from '@/workers/api/advice-watch';

const reply = (version: string): AdviceReply => ({
  ...{ runId: 'run', attempt: 1, step: 1, version, items: [] },
});
const never = new AbortController().signal;
const forLong = { runId: 'run', after: 'a', waitSeconds: 30, signal: never };

describe('those who wait for other advice', () => {
  it('share the looks, however many they are', async () => {
    let reads = 0;
    const watch = new AdviceWatch(() => Promise.resolve(reply(++reads < 2 ? 'a' : 'b')));
    const told = await Promise.all(Array.from({ length: 100 }, () => watch.wait(forLong)));
    expect(new Set(told.map(({ version }) => version))).toEqual(new Set(['b']));
    expect(reads).toBe(2);
    await watch.close();
  });

  it('are answered with the newest when they leave', async () => {
    const watch = new AdviceWatch(() => Promise.resolve(reply('a')));
    const gone = new AbortController();
    const waiting = watch.wait({ ...forLong, signal: gone.signal });
    gone.abort();
    expect((await waiting).version).toBe('a');
    await watch.close();
  });

  it('are told of a failure, and asked after again by those who come later', async () => {
    let reads = 0;
    const watch = new AdviceWatch(() =>
      ++reads === 1 ? Promise.reject(new Error('away')) : Promise.resolve(reply('b')),
    );
    await expect(watch.wait(forLong)).rejects.toThrow('away');
    expect((await watch.wait(forLong)).version).toBe('b');
    await watch.close();
  });

  it('are a bounded number, and the next is told when to come back', async () => {
    const watch = new AdviceWatch(() => Promise.resolve(reply('a')));
    const waiting = Array.from({ length: 256 }, () => watch.wait(forLong));
    await expect(watch.wait(forLong)).rejects.toMatchObject({
      ...{ code: 'too_many_waiters', retryAfterSeconds: 5 },
    });
    await watch.close();
    await Promise.all(waiting);
  });

  it('are answered when the server stops, and nobody waits after that', async () => {
    let reads = 0;
    const watch = new AdviceWatch(() => Promise.resolve(reply(++reads > 9 ? 'b' : 'a')));
    const waiting = watch.wait(forLong);
    await Promise.resolve();
    await watch.close();
    expect((await waiting).version).toBe('a');
    expect((await watch.wait(forLong)).version).toBe('a');
  });

  it('get no answer that was never read', async () => {
    const watch = new AdviceWatch(() => new Promise(() => undefined));
    const waiting = watch.wait(forLong);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await watch.close();
    await refused;
  });
});
