import { type FrameStatistics, computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { SHAPE_MEASURES } from '../../lib/stats/histogram-shapes';
import { compareShapes } from './compare-shapes';
import { compareStatistics } from './compare-statistics';
import { type SelfTestInput, selfTestInputs } from './self-test-input';
import type { StatisticsBackend } from './statistics-backend';

/**
 * What is wrong with a backend, in a sentence; null where it computes what lib/stats does,
 * of samples and of histograms. It must also do the work: ordinary rows that it leaves to
 * the host are a fault.
 *
 * Throws  whatever the backend throws
 */
export async function findFault(backend: StatisticsBackend): Promise<string | null> {
  for (const test of selfTestInputs()) {
    const expected = computeFrameStatistics(test.input);
    const fault =
      (await findSampleFault(backend, test, expected)) ??
      (await findShapeFault(backend, test, expected));
    if (fault !== null) return fault;
  }
  return null;
}

async function findSampleFault(
  backend: StatisticsBackend,
  { input, isOrdinary }: SelfTestInput,
  expected: FrameStatistics,
): Promise<string | null> {
  const hostRowsBefore = backend.status().hostRowCount;
  const actual = await backend.compute(input);
  const fault = firstOf(compareStatistics(input, expected, actual));
  const hostRows = backend.status().hostRowCount - hostRowsBefore;
  if (fault !== null || !isOrdinary || hostRows === 0) return fault;
  return `it could not compute ${hostRows} of ${input.layerCount} ordinary layers`;
}

/** Of the reference's histograms, so that one fault is not told twice. */
async function findShapeFault(
  backend: StatisticsBackend,
  { input: { layerCount }, isOrdinary }: SelfTestInput,
  { histograms }: FrameStatistics,
): Promise<string | null> {
  for (const [name, histogram] of histograms) {
    const input = { ...histogram, layerCount, measures: SHAPE_MEASURES };
    const hostRowsBefore = backend.status().hostRowCount;
    const fault = firstOf(compareShapes(input, await backend.computeShapes(input)));
    if (fault !== null) return `histogram/${name}: ${fault}`;
    const hostRows = backend.status().hostRowCount - hostRowsBefore;
    if (isOrdinary && hostRows > 0) {
      return `it could not measure ${hostRows} of ${layerCount} ordinary histograms of ${name}`;
    }
  }
  return null;
}

function firstOf([fault, ...others]: readonly string[]): string | null {
  if (fault === undefined) return null;
  return others.length === 0 ? fault : `${fault}, and ${others.length} numbers more`;
}
