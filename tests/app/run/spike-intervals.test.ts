import { describe, expect, it } from 'vitest';
import { aSpike } from '@/tests/builders/spike';
import { spikeIntervals } from '@/app/(dashboard)/runs/[runId]/_run/model/run-view-model';

const ATTEMPTS = [
  { attempt: 1, lastStep: 235 },
  { attempt: 2, lastStep: 400 },
];

describe('the steps that a spike is tinted over', () => {
  it('end with its recovery, or with the newest step while its attempt goes on', () => {
    const spikes = [
      aSpike({ id: 'back', attempt: 2, onsetStep: 300, recovery: 'fast', recoveredStep: 320 }),
      aSpike({ id: 'open', attempt: 2, onsetStep: 350 }),
    ];
    expect(spikeIntervals(spikes, 400, ATTEMPTS)).toEqual([
      { id: 'back', fromStep: 300, toStep: 320 },
      { id: 'open', fromStep: 350, toStep: 400 },
    ]);
  });

  it('end where a restart left its attempt behind', () => {
    const left = aSpike({ id: 'left', attempt: 1, onsetStep: 184 });
    expect(spikeIntervals([left], 400, ATTEMPTS)).toEqual([
      { id: 'left', fromStep: 184, toStep: 235 },
    ]);
  });
});
