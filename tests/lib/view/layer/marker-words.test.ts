import { describe, expect, it } from 'vitest';
import { describeMarkers } from '@/lib/view/layer/marker-words';
import { CURVES } from '../../../builders/distribution-item';

describe('the words of the markers', () => {
  it('say where each lies for the run’s betas and what puts peaks there', () => {
    const words = describeMarkers(CURVES, 1.3);
    expect(words.map(({ label }) => label)).toEqual([
      '±1 limit',
      '±0.92 one stale step',
      '±0.45 single burst',
    ]);
    expect(words[2]?.meaning).toContain('no proof');
  });

  it('name a marker that the axis does not reach', () => {
    const markers = [{ kind: 'single_burst' as const, at: 3.162 }];
    const [burst] = describeMarkers({ ...CURVES, markers }, 1.3);
    expect(burst?.label).toBe('±3.16 single burst, off this axis');
  });

  it('leave out what theory has no place for', () => {
    expect(describeMarkers({ ...CURVES, markers: [] }, 1.3)).toEqual([]);
  });
});
