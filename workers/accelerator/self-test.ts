import { computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { compareStatistics } from './compare-statistics';
import { selfTestInputs } from './self-test-input';
import type { StatisticsBackend } from './statistics-backend';

/**
 * What is wrong with a backend, in a sentence; null where it computes what lib/stats does.
 * It must also do the work: ordinary rows that it leaves to the host are a fault.
 *
 * Throws  whatever the backend throws
 */
export async function findFault(backend: StatisticsBackend): Promise<string | null> {
  for (const { input, isOrdinary } of selfTestInputs()) {
    const hostRowsBefore = backend.status().hostRowCount;
    const actual = await backend.compute(input);
    const [fault, ...others] = compareStatistics(input, computeFrameStatistics(input), actual);
    if (fault !== undefined) {
      return others.length === 0 ? fault : `${fault}, and ${others.length} numbers more`;
    }
    const hostRows = backend.status().hostRowCount - hostRowsBefore;
    if (isOrdinary && hostRows > 0) {
      return `it could not compute ${hostRows} of ${input.layerCount} ordinary layers`;
    }
  }
  return null;
}
