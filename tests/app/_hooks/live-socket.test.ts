import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveSocket } from '@/app/_hooks/live-socket';

class FakeSocket extends EventEmitter {
  connected = false;
  readonly connect = vi.fn();
  readonly disconnect = vi.fn();
}

const made = vi.hoisted((): { socket: FakeSocket | null } => ({ socket: null }));
vi.mock('socket.io-client', () => ({ io: () => made.socket }));

const NOW_MS = Date.UTC(2026, 0, 1);
let fake: FakeSocket;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
  fake = new FakeSocket();
  made.socket = fake;
});
afterEach(() => {
  vi.useRealTimers();
});

/** Fails the try under way and returns how long it is until the next, in seconds. */
function waitAfterFailure(): number {
  const tries = fake.connect.mock.calls.length;
  fake.emit('connect_error');
  const from = Date.now();
  vi.advanceTimersToNextTimer();
  expect(fake.connect.mock.calls.length).toBe(tries + 1);
  return (Date.now() - from) / 1000;
}

describe('a live socket', () => {
  it('waits longer before each next try, and the last wait repeats', () => {
    new LiveSocket({ retrySeconds: [1, 2, 4] });
    expect(Array.from({ length: 5 }, waitAfterFailure)).toEqual([1, 2, 4, 4, 4]);
  });

  it('begins with the shortest wait again once it has done what it is for', () => {
    const live = new LiveSocket({ retrySeconds: [1, 2, 4] });
    expect([waitAfterFailure(), waitAfterFailure()]).toEqual([1, 2]);
    live.settle();
    expect(waitAfterFailure()).toBe(1);
  });

  it('says when the next try is, once a loss', () => {
    const onLost = vi.fn();
    new LiveSocket({ retrySeconds: [3], onLost });
    fake.emit('disconnect');
    fake.emit('connect_error');
    expect(onLost.mock.calls).toEqual([[NOW_MS + 3000]]);
    expect(vi.getTimerCount()).toBe(1);
  });

  it('tries at once when asked, and not again at the time that was set', () => {
    const live = new LiveSocket({ retrySeconds: [1] });
    fake.emit('disconnect');
    expect(live.retryNow()).toBe(true);
    expect(fake.connect).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves a connection that stands alone', () => {
    const live = new LiveSocket({ retrySeconds: [1] });
    fake.connected = true;
    expect(live.retryNow()).toBe(false);
    expect(fake.connect).not.toHaveBeenCalled();
  });

  it('tries no more once it is closed', () => {
    const live = new LiveSocket({ retrySeconds: [1] });
    fake.emit('disconnect');
    live.close();
    fake.emit('disconnect');
    expect(vi.getTimerCount()).toBe(0);
    expect(fake.disconnect).toHaveBeenCalledTimes(1);
  });
});
