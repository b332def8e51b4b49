import { describe, expect, it } from 'vitest';
import { colourRamp, hexOfPacked } from '@/lib/view/colours/colour-ramp';
import { prepareSpikeScale } from '@/lib/view/spikes/spike-scale';

const scaleOf = (low: number | null, high: number | null, level: number | null = null) =>
  prepareSpikeScale({ kind: 'magnitude', low, high, level }, 'dark');

describe('the scale of a postmortem’s heatmap', () => {
  it('has the colours of the cells, and their break where the level lies', () => {
    const scale = scaleOf(1e-6, 1e2, 1e-4)!;
    expect(scale.levelShare).toBeCloseTo(0.25);
    const below = new Set([...colourRamp('dark', 'below')].map(hexOfPacked));
    const parts = scale.colours.map((colour) => below.has(colour));
    expect(parts.lastIndexOf(true) + 1).toBe(scale.colours.length / 4);
    expect(parts.indexOf(false)).toBe(scale.colours.length / 4);
  });

  it('has whole decades, but none where the name of the level stands', () => {
    const texts = ({ ticks }: { ticks: readonly { tick: { value: number } }[] }) =>
      ticks.map(({ tick }) => tick.value);
    expect(texts(scaleOf(1e-3, 10)!)).toEqual([1e-3, 1e-2, 1e-1, 1, 10]);
    expect(texts(scaleOf(1e-3, 10, 1e-2)!)).toEqual([1e-3, 1e-1, 1, 10]);
  });

  it('is none where nothing or one value was reported', () => {
    expect([scaleOf(null, null), scaleOf(1, 1)]).toEqual([null, null]);
  });
});
