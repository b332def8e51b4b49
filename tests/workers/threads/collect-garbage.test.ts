import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { collectGarbage } from '@/workers/threads/collect-garbage';

it('collects what nobody holds, and nothing else', async () => {
  const kept = new ArrayBuffer(1024);
  const refs = [new WeakRef(kept), new WeakRef(new ArrayBuffer(1024))];
  // Within the turn in which it was made, a weak reference holds what it points to.
  await setImmediate();
  collectGarbage();
  expect(refs.map((ref) => ref.deref()?.byteLength)).toEqual([1024, undefined]);
  expect(kept.byteLength).toBe(1024);
});
