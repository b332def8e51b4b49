import { expect, it } from 'vitest';
import { RESTED_ABOVE_BYTES, restBehind } from '@/workers/ingest/rest-behind';

it('rests as long as a batch took, and not for ever, while much is behind', async () => {
  const rests: number[] = [];
  let waitingBytes = RESTED_ABOVE_BYTES;
  const rest = restBehind(
    () => waitingBytes,
    (ms) => Promise.resolve(rests.push(ms)),
  );
  await rest(20);
  expect(rests).toEqual([]);
  waitingBytes++;
  await rest(20);
  await rest(2000);
  expect(rests).toEqual([20, 50]);
});
