import { describe, expect, it } from 'vitest';
import { spikeSchema } from '@/lib/contract/reads';
import { createRunDetector, observeStep } from '@/lib/detect/run-detector';
import { spikeOfLoss, spikeOfRms } from '@/lib/detect/to-spike';
import { loadRecordedRun } from './recorded-run';

describe('what a run’s detectors find', () => {
  const run = loadRecordedRun('B_spontaneous_spike');
  const detector = createRunDetector(run.layerNames.length);
  const findings = run.steps.map((observation) => observeStep(detector, observation, run.context));
  const losses = findings.flatMap(({ loss }) => loss.map((report) => spikeOfLoss(report, 2)));
  const rms = findings.flatMap(({ rmsSpikes }) => rmsSpikes.map((report) => spikeOfRms(report, 2)));

  it('is what the contract calls a spike', () => {
    for (const spike of [...losses, ...rms]) expect(spikeSchema.parse(spike)).toEqual(spike);
  });

  it('keeps its id from its opening to its end', () => {
    expect(new Set(losses.map(({ id }) => id)).size).toBe(2);
    expect(losses[0]).toMatchObject({ recovery: 'open', recoveredStep: null, attempt: 2 });
    const last = losses.findLast(({ id }) => id === losses[0]!.id);
    expect(last).toMatchObject({ kind: 'loss_spike', peakStep: 319, recovery: 'fast' });
  });

  it('says of an RMS spike when it ended', () => {
    const at317 = rms.findLast(({ peakStep }) => peakStep === 317);
    expect(at317).toMatchObject({ kind: 'rms_spike', recovery: 'fast' });
    expect(at317!.peakValue).toBeGreaterThan(4);
    expect(at317!.recoveredStep).toBeGreaterThan(317);
    expect(rms.find(({ peakStep }) => peakStep === 317)).toMatchObject({ recovery: 'open' });
  });
});
