import { describe, expect, it } from 'vitest';
import {
  clampWindow,
  formatStepWindow,
  parseStepWindow,
  pixelOfStep,
  stepAxis,
  stepOfPixel,
  zoomWindow,
} from '@/lib/view/step-axis';

describe('the step axis', () => {
  it('moves a few dozen times while a run grows a thousandfold', () => {
    const ends = new Set<number>();
    for (let newest = 100; newest <= 1000; newest++) ends.add(stepAxis(1, newest, null, true).high);
    expect(ends.size).toBeLessThan(80);
    for (let newest = 1; newest <= 1000; newest++) {
      expect(stepAxis(1, newest, null, true).high).toBeGreaterThan(newest + 0.5);
    }
  });

  it('ends at the last step of a run that is over, and at a chosen window', () => {
    expect(stepAxis(1, 640, null, false)).toEqual({ low: 0.5, high: 640.5 });
    expect(stepAxis(1, 640, { fromStep: 306, toStep: 345 }, true)).toEqual({
      low: 305.5,
      high: 345.5,
    });
  });

  it('finds the step under a pixel and back', () => {
    const axis = { low: 305.5, high: 345.5 };
    for (let step = 306; step <= 345; step++) {
      expect(stepOfPixel(axis, 937, pixelOfStep(axis, 937, step))).toBe(step);
    }
  });

  it('zooms around the pointer, within the run, down to eight steps and out to all', () => {
    const axis = stepAxis(1, 640, null, false);
    const near = zoomWindow(axis, 320, 0.5, 1, 640)!;
    expect(near.toStep - near.fromStep + 1).toBe(320);
    expect(near.fromStep).toBeGreaterThan(100);
    expect(zoomWindow(axis, 320, 1e-6, 1, 640)).toSatisfy(
      (w: { fromStep: number; toStep: number }) => w.toStep - w.fromStep === 7,
    );
    expect(zoomWindow(axis, 320, 2, 1, 640)).toBeNull();
    expect(clampWindow({ fromStep: -20, toStep: 29 }, 1, 640)).toEqual({ fromStep: 1, toStep: 50 });
    expect(clampWindow({ fromStep: 630, toStep: 679 }, 1, 640)).toEqual({
      fromStep: 591,
      toStep: 640,
    });
  });

  it('reads windows from the URL and nothing else', () => {
    expect(parseStepWindow(formatStepWindow({ fromStep: 306, toStep: 345 }))).toEqual({
      fromStep: 306,
      toStep: 345,
    });
    for (const text of [null, '', '5', '9-3', '-3-5', '1e3-2e3', '1-2-3']) {
      expect(parseStepWindow(text)).toBeNull();
    }
  });
});
