import type { Frame } from '../../lib/contract/frame';
import { seededRandom } from '../../tests/seeded-random';

/** Frames whose values are taken over and over: making them must not cost what is measured. */
const DISTINCT = 32;

/** Frames by their step, of values that no storage compresses; scalars differ, so that no two have one hash. */
export function randomFrames(layerCount: number, metricCount: number): (step: number) => Frame {
  const random = seededRandom(1);
  const layerMetrics = Array.from(
    { length: DISTINCT },
    () =>
      new Map(
        Array.from({ length: metricCount }, (_, index) => [
          `metric_${index}`,
          Float32Array.from({ length: layerCount }, () => random()),
        ]),
      ),
  );
  return (step) => ({
    step,
    wallTime: step / 10,
    scalars: new Map([
      ['loss', random()],
      ['learning_rate', 1e-3],
    ]),
    layerCount,
    layerMetrics: layerMetrics[step % DISTINCT] ?? new Map<string, Float32Array>(),
    histograms: new Map(),
    samples: null,
  });
}
