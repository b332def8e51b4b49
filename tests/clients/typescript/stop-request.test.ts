import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listenForStop } from '@/clients/typescript/stop-request';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

function listen() {
  const fake = new FakeProcess();
  return { fake, signal: listenForStop(fake as unknown as NodeJS.Process) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('listenForStop', () => {
  it.each(['SIGINT', 'SIGTERM'])('asks to stop on %s and lets the job finish', (name) => {
    const { fake, signal } = listen();
    expect(signal.aborted).toBe(false);

    fake.emit(name);

    expect(signal.aborted).toBe(true);
    expect(fake.exits).toEqual([]);
  });

  it('takes the second signal of one Ctrl-C for an echo, and a later one at its word', () => {
    const { fake } = listen();
    fake.emit('SIGINT');
    vi.advanceTimersByTime(200);
    fake.emit('SIGINT');
    expect(fake.exits).toEqual([]);

    vi.advanceTimersByTime(2000);
    fake.emit('SIGINT');
    expect(fake.exits).toEqual([130]);
  });
});
