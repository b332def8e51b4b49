import { describe, expect, it } from 'vitest';
import { colourRamp } from '@/lib/view/colours/colour-ramp';
import { rasteriseStrip } from '@/lib/view/heatmap/perplexity-strip';

const strip = (
  loss: readonly number[],
  low = -0.5,
  high = loss.length - 0.5,
  length = loss.length,
) => {
  const steps = Float64Array.from(loss, (_, step) => step);
  return rasteriseStrip(
    { fromStep: steps, toStep: steps, loss: Float32Array.from(loss) },
    { low, high },
    length,
    'dark',
  );
};
const ramp = colourRamp('dark', 'strip');

describe('the strip of log perplexity', () => {
  it('runs from no loss to the highest one', () => {
    expect(Array.from(strip([0, 4]))).toEqual([ramp[0], ramp[255]]);
  });

  it('keeps a one-step peak on a pixel of a thousand steps', () => {
    const loss = Array.from({ length: 10_000 }, (_, step) => (step === 4321 ? 8 : 0));
    const colours = strip(loss, -0.5, 9999.5, 10);
    expect(colours[4]).toBe(ramp[255]);
    expect(colours[5]).toBe(ramp[0]);
  });

  it('means the same loss at every zoom', () => {
    const loss = [8, 2, 2, 2];
    expect(strip(loss)[2]).toBe(strip(loss, 1.5, 3.5, 4)[1]);
  });

  it('leaves out what was not reported', () => {
    expect(strip([1, NaN, 1])[1]).toBe(0);
  });
});
