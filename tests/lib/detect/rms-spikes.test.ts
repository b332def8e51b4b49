import { describe, expect, it } from 'vitest';
import {
  type RmsSpikeUpdate,
  createRmsSpikeDetector,
  observeRmsSpikes,
} from '@/lib/detect/rms-spikes';

/** Spiking layers by step, from `fromStep` to `toStep`; RMS of layer l is 3 + l. */
function play(
  spiking: Readonly<Record<number, readonly number[]>>,
  toStep: number,
): RmsSpikeUpdate[] {
  const detector = createRmsSpikeDetector();
  const updates: RmsSpikeUpdate[] = [];
  for (let step = 0; step <= toStep; step++) {
    updates.push(
      ...observeRmsSpikes(detector, {
        step,
        spiking: spiking[step] ?? [],
        rms: Float32Array.of(3, 4, 5),
        median: Float32Array.of(1, NaN, 0.5),
        zOf: (_, value) => value,
      }),
    );
  }
  return updates;
}

describe('RMS spikes of a run', () => {
  it('less than ten steps apart are one event, dated by the earliest', () => {
    const updates = play({ 10: [0], 19: [2], 40: [1] }, 60);
    const closed = updates.filter(({ phase }) => phase === 'closed').map(({ event }) => event);
    expect(closed).toMatchObject([
      {
        onsetStep: 10,
        peakStep: 19,
        peakValue: 5,
        baseline: 0.5,
        recoveredStep: 20,
        layerCount: 2,
      },
      {
        onsetStep: 40,
        peakStep: 40,
        peakValue: 4,
        baseline: null,
        recoveredStep: 41,
        layerCount: 1,
      },
    ]);
  });

  it('go on while every report has one, however far apart reports are', () => {
    const detector = createRmsSpikeDetector();
    const spiking = new Set([40, 55, 70, 110]);
    const updates = [0, 20, 40, 55, 70, 90, 110, 130, 131].flatMap((step) =>
      observeRmsSpikes(detector, {
        step,
        spiking: spiking.has(step) ? [0] : [],
        rms: Float32Array.of(3),
        median: Float32Array.of(1),
        zOf: () => 7,
      }),
    );
    const closed = updates.filter(({ phase }) => phase === 'closed').map(({ event }) => event);
    // Over with the first report that has none, since nobody knows of the steps before it.
    expect(closed).toMatchObject([
      { onsetStep: 40, recoveredStep: 90 },
      { onsetStep: 110, recoveredStep: 130 },
    ]);
  });

  it('name each layer once, with its first step', () => {
    const updates = play({ 10: [2], 11: [0, 2], 12: [0] }, 30);
    expect(updates.at(-1)!.event.layers).toEqual([
      { layer: 2, metric: 'rms', step: 10, leadSteps: 0, z: 5 },
      { layer: 0, metric: 'rms', step: 11, leadSteps: 0, z: 3 },
    ]);
  });

  it('are told of once when they open, and again only when something is new', () => {
    expect(play({ 10: [2], 11: [2], 12: [0] }, 14).map(({ phase }) => phase)).toEqual([
      'opened',
      'updated',
    ]);
  });

  it('keep the count of layers beyond the list', () => {
    const detector = createRmsSpikeDetector();
    const spiking = Array.from({ length: 1000 }, (_, layer) => layer);
    const rms = new Float32Array(1000).fill(3);
    const [update] = observeRmsSpikes(detector, {
      step: 1,
      spiking,
      rms,
      median: rms,
      zOf: () => 7,
    });
    expect(update!.event.layerCount).toBe(1000);
    expect(update!.event.layers).toHaveLength(256);
  });
});
