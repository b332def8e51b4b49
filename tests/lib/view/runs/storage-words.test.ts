import { describe, expect, it } from 'vitest';
import { KEEP_EVERYTHING } from '@/lib/contract/project-policy';
import type { RetentionReply } from '@/lib/contract/retention';
import {
  describeRetention,
  formatBytes,
  parsePolicyTexts,
  toPolicyTexts,
} from '@/lib/view/runs/storage-words';

describe('formatBytes', () => {
  it('has three figures at most', () => {
    expect([0, 999, 1000, 99_440, 99_550, 3.12e9, 8e9, 999_600_000, 5e16].map(formatBytes)).toEqual(
      ['0 B', '999 B', '1.0 kB', '99.4 kB', '100 kB', '3.1 GB', '8.0 GB', '1.0 GB', '50000 TB'],
    );
  });
});

describe('parsePolicyTexts', () => {
  it('reads what it wrote', () => {
    const policy = { ...KEEP_EVERYTHING, keepRawDays: 30, roundAfterDays: 1 };
    expect(parsePolicyTexts(toPolicyTexts(policy))).toEqual({ kind: 'policy', policy });
  });

  it('names the first field that holds no days', () => {
    for (const wrong of ['0', '-1', '1.5', 'a week', '40000']) {
      const texts = { ...toPolicyTexts(KEEP_EVERYTHING), keepDistributionsDays: wrong };
      expect(parsePolicyTexts(texts)).toMatchObject({
        kind: 'fault',
        field: 'keepDistributionsDays',
        message: 'Keep histograms: expected whole days from 1 to 36 500, or nothing.',
      });
    }
  });
});

describe('describeRetention', () => {
  const nothing = { steps: 0, rows: 0, sizeBytes: 0 };
  const reply: RetentionReply = {
    name: 'p',
    dryRun: true,
    policy: { ...KEEP_EVERYTHING, keepRawDays: 30, keepSamplesDays: 1 },
    sizeBytes: 8e9,
    freedBytes: 0,
    raw: nothing,
    distributions: nothing,
    samples: nothing,
    runs: [],
  };

  it('says that nothing goes, and how much there is', () => {
    expect(describeRetention(reply)).toEqual({
      headline: 'Nothing would go. It takes 8.0 GB.',
      lines: [],
    });
  });

  it('says how much goes of how much, and of what', () => {
    const raw = { steps: 1_204_000, rows: 9, sizeBytes: 3.1e9 };
    const samples = { steps: 1, rows: 1, sizeBytes: 100 };
    const run = { id: 'r', name: 'r', freedBytes: 3.1e9, raw, samples, jobId: null };
    const runs = [{ ...run, distributions: nothing }];
    expect(describeRetention({ ...reply, freedBytes: 3.1e9, raw, samples, runs })).toEqual({
      headline: 'Would free 3.1 GB of 8.0 GB, in one run:',
      lines: [
        'values of layers of 1 204 000 steps older than 30 days',
        'raw samples of 1 step older than 1 day',
      ],
    });
  });
});
