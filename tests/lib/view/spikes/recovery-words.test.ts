import { describe, expect, it } from 'vitest';
import { hasAttemptEnded, recoveryWord, settleSpikes } from '@/lib/view/spikes/recovery-words';
import { aSpike } from '@/tests/builders/spike';

describe('the end of a spike in words', () => {
  it('is open only while steps can follow', () => {
    expect(recoveryWord('open', false)).toBe('open');
    expect(recoveryWord('open', true)).toBe('never recovered');
    expect(recoveryWord('slow', true)).toBe('slow');
  });

  it('comes with the end of the run, or with a restart that leaves its attempt behind', () => {
    expect(hasAttemptEnded({ status: 'running', attempt: 1 }, 1)).toBe(false);
    expect(hasAttemptEnded({ status: 'running', attempt: 2 }, 1)).toBe(true);
    expect(hasAttemptEnded({ status: 'failed', attempt: 1 }, 1)).toBe(true);
  });

  it('settles what was open when its attempt ended, and nothing else', () => {
    const open = aSpike({ attempt: 2 });
    const left = aSpike({ attempt: 1 });
    const fast = aSpike({ attempt: 1, recovery: 'fast' });
    const settled = settleSpikes([open, left, fast], { status: 'running', attempt: 2 });
    expect(settled.map(({ recovery }) => recovery)).toEqual(['open', 'unrecovered', 'fast']);
  });
});
