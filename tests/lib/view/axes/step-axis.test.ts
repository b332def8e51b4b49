import { describe, expect, it } from 'vitest';
import {
  clampWindow,
  edgePixels,
  formatStepWindow,
  panWindow,
  pinchWindow,
  parseStepWindow,
  pixelOfStep,
  stepAxis,
  stepOfPixel,
  zoomWindow,
} from '@/lib/view/axes/step-axis';
import { prepareStepClock } from '@/lib/view/axes/step-clock';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';

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

describe('an axis of wall time', () => {
  // A second a step, and a minute's pause between 9 and 10.
  const series = new TimelineSeries(64);
  for (let step = 0; step < 40; step++) series.append(step, 1000 + step + (step >= 10 ? 60 : 0));
  const clock = prepareStepClock(series.columns)!;
  const axis = stepAxis(0, 39, null, false, clock);

  it('places steps by their time, and finds them again', () => {
    expect(pixelOfStep(axis, 1000, 0)).toBeCloseTo(5, 6);
    expect(pixelOfStep(axis, 1000, 10)).toBeCloseTo(705, 6);
    for (const step of [0, 5, 9, 10, 25, 39]) {
      expect(stepOfPixel(axis, 1000, pixelOfStep(axis, 1000, step))).toBe(step);
    }
  });

  it('leaves the pause between two columns empty', () => {
    const edge = edgePixels(axis, 1000);
    expect(edge(9.5, 'ends')).toBeCloseTo(100, 6);
    expect(edge(9.5, 'begins')).toBeCloseTo(700, 6);
    expect(edge(5.5, 'ends')).toBe(edge(5.5, 'begins'));
  });

  it('zooms around a moment, and moves along, in time', () => {
    expect(zoomWindow(axis, 39, 0.25, 0, 39)).toEqual({ fromStep: 15, toStep: 39 });
    const zoomed = stepAxis(0, 39, { fromStep: 20, toStep: 29 }, false, clock);
    expect(panWindow(zoomed, 1000, -200, 0, 39)).toEqual({ fromStep: 18, toStep: 27 });
  });

  it('leaves room for what comes while a run goes on, and moves seldom', () => {
    const ends = new Set<number>();
    for (let newest = 100; newest < 200; newest++) {
      const growing = new TimelineSeries(1024);
      for (let step = 0; step <= newest; step++) growing.append(step, 5000 + 2 * step);
      const grown = stepAxis(0, newest, null, true, prepareStepClock(growing.columns));
      expect(grown.high).toBeGreaterThan(newest + 0.5);
      ends.add(Math.round(grown.high));
    }
    expect(ends.size).toBeLessThan(30);
  });
});

describe('two fingers on the axis', () => {
  const axis = stepAxis(0, 999, { fromStep: 200, toStep: 399 }, false);

  it('zoom about what lies between them', () => {
    expect(pinchWindow(axis, { from: 0.4, to: 0.6 }, { from: 0.3, to: 0.7 }, 0, 999)).toEqual({
      fromStep: 250,
      toStep: 349,
    });
  });

  it('move the window along with them, in whichever order they are', () => {
    const moved = { fromStep: 150, toStep: 349 };
    expect(pinchWindow(axis, { from: 0.2, to: 0.6 }, { from: 0.45, to: 0.85 }, 0, 999)).toEqual(
      moved,
    );
    expect(pinchWindow(axis, { from: 0.6, to: 0.2 }, { from: 0.85, to: 0.45 }, 0, 999)).toEqual(
      moved,
    );
  });

  it('keep within the run, and show all of it at last', () => {
    expect(pinchWindow(axis, { from: 0.1, to: 0.2 }, { from: 0.9, to: 1 }, 0, 999)).toEqual({
      fromStep: 40,
      toStep: 239,
    });
    expect(pinchWindow(axis, { from: 0.1, to: 0.9 }, { from: 0.45, to: 0.5 }, 0, 999)).toBeNull();
  });

  it('never zoom below the fewest steps', () => {
    const window = pinchWindow(axis, { from: 0.5, to: 0.5001 }, { from: 0, to: 1 }, 0, 999);
    expect(window!.toStep - window!.fromStep + 1).toBe(8);
  });
});
