import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pauses } from '@/workers/threads/pauses';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether it has ended by now. */
function watch(pause: Promise<void>): () => Promise<boolean> {
  let isOver = false;
  void pause.then(() => (isOver = true));
  return async () => {
    await vi.advanceTimersByTimeAsync(0);
    return isOver;
  };
}

const clock = () => performance.now();

it('sleeps until its time is over or it is woken, and for ever where there is no limit', async () => {
  const pauses = new Pauses(clock);
  const timed = watch(pauses.sleep(100));
  await vi.advanceTimersByTimeAsync(99);
  expect(await timed()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await timed()).toBe(true);

  const endless = watch(pauses.sleep(Infinity));
  await vi.advanceTimersByTimeAsync(1e9);
  expect(await endless()).toBe(false);
  pauses.wake();
  expect(await endless()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('rests for its time however often it is woken', async () => {
  const pauses = new Pauses(clock);
  const rest = watch(pauses.rest(100));
  for (let ms = 0; ms < 90; ms += 30) {
    await vi.advanceTimersByTimeAsync(30);
    pauses.wake();
  }
  expect(await rest()).toBe(false);
  await vi.advanceTimersByTimeAsync(10);
  expect(await rest()).toBe(true);
});

it('ends every pause when it closes, and begins none after that', async () => {
  const pauses = new Pauses(clock);
  const under = watch(pauses.rest(1000));
  pauses.close();
  expect([await under(), pauses.isClosed]).toEqual([true, true]);
  expect(await watch(pauses.sleep(Infinity))()).toBe(true);
  expect(await watch(pauses.rest(1000))()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
