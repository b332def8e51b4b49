import { describe, expect, it } from 'vitest';
import { restartDelayMs } from '@/workers/launcher/restart-delay';

describe('restartDelayMs', () => {
  it('doubles from half a second and stays at thirty', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 50].map(restartDelayMs);
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  });
});
