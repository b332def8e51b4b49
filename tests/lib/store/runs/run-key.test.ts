import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { runKeyOf, uuidBytes, uuidText } from '@/lib/store/runs/run-key';

it('is the first half of the SHA-256 of the public id', () => {
  const hex = createHash('sha256').update('run-7').digest('hex').slice(0, 32);
  expect(runKeyOf('run-7').replaceAll('-', '')).toBe(hex);
  expect(runKeyOf('run-7')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

it('turns bytes into text and back', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
  expect([...uuidBytes(uuidText(bytes))]).toEqual([...bytes]);
});
