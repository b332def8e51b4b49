import { expect, it } from 'vitest';
import { joinGaps } from '@/workers/launcher/tools/export-run/join-gaps';

it.each([
  [null, null, null],
  ['0-63', null, '0-63'],
  [null, '0-63', '0-63'],
  ['0-63,256-319', '128-191', '0-63,128-191,256-319'],
  ['0-127,256-319', '64-191', '0-191,256-319'],
  ['0-63', '64-127', '0-127'],
])('joins %s and %s to %s', (a, b, joined) => {
  expect(joinGaps(a, b)).toBe(joined);
});
