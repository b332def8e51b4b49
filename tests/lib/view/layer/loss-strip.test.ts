import { describe, expect, it } from 'vitest';
import { prepareLossStrip } from '@/lib/view/layer/loss-strip';

const at = (step: number, value: number) => ({
  fromStep: step,
  toStep: step,
  min: value,
  max: value,
  mean: value,
  nonFiniteCount: 0,
});
const window = { fromStep: 300, toStep: 340 };

describe('the loss strip', () => {
  it('spans decades on a log scale and ticks them where they lie', () => {
    const strip = prepareLossStrip([at(300, 0.005), at(320, 2.8), at(340, 0.05)], window, 8);
    expect(strip.scale).toBe('log');
    expect(strip.lossTicks.length).toBeGreaterThan(1);
    for (const { tick, at: place } of strip.lossTicks) {
      const share = Math.log(tick.value / 0.005) / Math.log(2.8 / 0.005);
      expect(place).toBeCloseTo(share, 9);
    }
  });

  it('ticks whole steps inside the window', () => {
    const { stepTicks } = prepareLossStrip([at(300, 1), at(340, 2)], window, 4);
    expect(stepTicks.length).toBeGreaterThan(1);
    for (const { tick, at: place } of stepTicks) {
      expect(tick.value % 1).toBe(0);
      expect(place).toBeCloseTo((tick.value - 300) / 40, 12);
    }
  });

  it('is linear where the loss is not positive, and has no tick where it is flat or absent', () => {
    expect(prepareLossStrip([at(300, -1), at(340, 2)], window, 4).scale).toBe('linear');
    expect(prepareLossStrip([at(300, 2), at(340, 2)], window, 4).lossTicks).toEqual([]);
    expect(prepareLossStrip([], window, 4).lossTicks).toEqual([]);
  });
});
