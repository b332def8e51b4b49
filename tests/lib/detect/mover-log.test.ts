import { describe, expect, it } from 'vitest';
import { createMoverLog, findFirstMovers, logMover } from '@/lib/detect/mover-log';

describe('first movers', () => {
  it('are each layer’s first entry in the ten steps before the rise, longest lead first', () => {
    const log = createMoverLog(4);
    const entries: [step: number, layer: number, metric: number, z: number][] = [
      [89, 0, 0, 9],
      [90, 1, 0, 7],
      [95, 1, 1, 99],
      [95, 2, 0, 8],
      [95, 2, 1, 30],
      [95, 3, 1, 12],
      [100, 0, 0, 20],
      [101, 3, 0, 50],
    ];
    for (const [step, layer, metric, z] of entries) logMover(log, { step, layer, metric, z });
    expect(findFirstMovers(log, 100)).toEqual([
      { layer: 1, metric: 'gradient_rms', step: 90, leadSteps: 10, z: 7 },
      { layer: 3, metric: 'rms', step: 95, leadSteps: 5, z: 12 },
      { layer: 2, metric: 'gradient_rms', step: 95, leadSteps: 5, z: 8 },
      { layer: 0, metric: 'gradient_rms', step: 100, leadSteps: 0, z: 20 },
    ]);
  });

  it('with a z that is not finite have none, and come first among equals', () => {
    const log = createMoverLog(2);
    logMover(log, { step: 5, layer: 0, metric: 0, z: 9 });
    logMover(log, { step: 5, layer: 1, metric: 0, z: Infinity });
    expect(findFirstMovers(log, 6).map(({ layer, z }) => [layer, z])).toEqual([
      [1, null],
      [0, 9],
    ]);
  });

  it('are forgotten oldest first once the log is full', () => {
    const log = createMoverLog(1);
    for (let step = 0; step < log.capacity + 5; step++) {
      logMover(log, { step, layer: 0, metric: 0, z: 1 });
    }
    expect(findFirstMovers(log, 4)).toEqual([]);
    expect(findFirstMovers(log, 10)).toMatchObject([{ step: 5 }]);
  });
});
