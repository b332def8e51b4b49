import { computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { type ShapesInput, computeHistogramShapes } from '../../lib/stats/histogram-shapes';
import { shapeMeasuresOf } from '../../lib/stats/shape-metrics';
import { selfTestInputs } from './self-test-input';
import type { BackendName, StatisticsBackend } from './statistics-backend';

/** Who measures the shapes of histograms, and why. */
export interface ShapesChoice {
  readonly backend: BackendName;
  readonly reason: string;
}

export interface ChosenShapes {
  readonly backend: StatisticsBackend;
  readonly shapes: ShapesChoice;
}

/** Rows of r and of u that both are timed on: a frame of as many layers, a call of a batch job. */
const TIMED_ROWS = 1_024;
/** A device that is not done with these while the single pass does all of them needs no longer look. */
const FIRST_ROWS = 32;
/** The first time compiles; of the others the least is what the machine can do. */
const TIMES = 3;
/** Times the single pass's own: no accident of the clock, once is enough. */
const HOPELESS = 4;

/**
 * Times the standard shapes of a frame on a device and in the single pass, and returns the
 * backend with the faster of the two. Both give the same numbers within compare-shapes.ts;
 * which is faster follows from the card, its driver and the processor beside it: a hull is
 * sequential work, some 13 ms of one core for 1,000 layers. A software device is not timed.
 */
export async function chooseShapes(
  backend: StatisticsBackend,
  nowMs: () => number = () => performance.now(),
): Promise<ChosenShapes> {
  const { name, device } = backend;
  if (backend.isSoftware) return onSinglePass(backend, `${device} is a software device`);

  const time = async (
    rowCount: number,
    compute: (input: ShapesInput) => unknown,
    hopelessMs = Infinity,
  ): Promise<number> => {
    const inputs = timedInputs(rowCount);
    let leastMs = Infinity;
    for (let i = 0; i <= TIMES; i++) {
      const startMs = nowMs();
      for (const input of inputs) await compute(input);
      if (i > 0) leastMs = Math.min(leastMs, nowMs() - startMs);
      if (i > 0 && leastMs > hopelessMs) break;
    }
    return leastMs;
  };
  const singlePassMs = await time(TIMED_ROWS, computeHistogramShapes);
  const singlePass = `${TIMED_ROWS} histograms of r and of u took ${singlePassMs.toFixed(1)} ms in the single pass`;
  const reasonOf = (rowCount: number, deviceMs: number): string =>
    `${singlePass}, ${rowCount} ${deviceMs.toFixed(1)} ms on ${device}`;
  const firstMs = await time(FIRST_ROWS, backend.computeShapes, HOPELESS * singlePassMs);
  if (firstMs >= singlePassMs) return onSinglePass(backend, reasonOf(FIRST_ROWS, firstMs));
  const deviceMs = await time(TIMED_ROWS, backend.computeShapes);
  const reason = reasonOf(TIMED_ROWS, deviceMs);
  if (deviceMs >= singlePassMs) return onSinglePass(backend, reason);
  return { backend, shapes: { backend: name, reason } };
}

function onSinglePass(backend: StatisticsBackend, reason: string): ChosenShapes {
  const computeShapes = (input: ShapesInput) => Promise.resolve(computeHistogramShapes(input));
  return {
    backend: { ...backend, computeShapes },
    shapes: { backend: 'cpu', reason },
  };
}

/** The histograms of the self-test's ordinary layers, again and again. */
function timedInputs(rowCount: number): ShapesInput[] {
  return selfTestInputs()
    .filter(({ isOrdinary }) => isOrdinary)
    .flatMap(({ input }) =>
      Array.from(computeFrameStatistics(input).histograms, ([name, histogram]) => ({
        ...histogram,
        layerCount: rowCount,
        counts: repeated(histogram.counts, rowCount * (histogram.edges.length - 1)),
        outside: repeated(histogram.outside, rowCount * 4),
        measures: shapeMeasuresOf(name),
      })),
    );
}

function repeated(values: Uint32Array, length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => values[i % values.length] ?? 0);
}
