import { describe, expect, it } from 'vitest';
import { prepareSpikeMarks, stepsOfSpike } from '@/lib/view/layer/spike-steps';
import { aSpike } from '../../../builders/spike';

const spike = aSpike({
  kind: 'loss_spike',
  onsetStep: 317,
  riseStep: 318,
  peakStep: 319,
  firstMovers: [{ layer: 4, metric: 'gradient_norm', step: 316, leadSteps: 2, z: null }],
});

describe('before, at and after a spike', () => {
  it('is where the layer moved, if it moved first, and one step beyond the peak', () => {
    expect(stepsOfSpike(spike, 4)).toEqual({ at: 316, steps: [315, 316, 320] });
  });

  it('is where the spike rose for a layer that did not move first', () => {
    expect(stepsOfSpike(spike, 5)).toEqual({ at: 318, steps: [317, 318, 320] });
    expect(stepsOfSpike({ ...spike, riseStep: null }, 5).at).toBe(317);
  });

  it('is three steps even at the first', () => {
    const first = { ...spike, onsetStep: 0, riseStep: 0, peakStep: 0, firstMovers: [] };
    expect(stepsOfSpike(first, 5).steps).toEqual([0, 1, 2]);
  });
});

describe('the marks of spikes', () => {
  const window = { fromStep: 300, toStep: 400 };
  const at = (onsetStep: number, kind: typeof spike.kind = 'loss_spike') => ({ onsetStep, kind });

  it('stand in the window alone, from left to right', () => {
    const marks = prepareSpikeMarks([at(390), at(310), at(250)], window, 0.02);
    expect(marks.map(({ x, label }) => [x, label])).toEqual([
      [0.1, 'Loss spike at 310'],
      [0.9, 'Loss spike at 390'],
    ]);
  });

  it('hide a lesser one behind a loss spike, and count it', () => {
    const marks = prepareSpikeMarks(
      [at(316, 'rms_spike'), at(317), at(318, 'rms_spike')],
      window,
      0.03,
    );
    expect(marks.map(({ label }) => label)).toEqual(['Loss spike at 317, and 2 more']);
  });
});
