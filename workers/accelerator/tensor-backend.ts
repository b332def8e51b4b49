import { ADAM_DEFAULTS } from '../../lib/stats/adam-defaults';
import {
  type FrameStatistics,
  type FrameStatisticsInput,
  computeFrameStatistics,
} from '../../lib/stats/frame-statistics';
import type { HistogramShapes, ShapesInput } from '../../lib/stats/histogram-shapes';
import type { StatisticsOptions } from './device-constants';
import { computeDeviceShapes } from './device-shapes';
import { emptyStatistics, finishRows } from './finish-rows';
import type { RowsUnderWay } from './sample-program';
import type { StatisticsBackend } from './statistics-backend';
import type { TensorDevice } from './tensor-library';
import { createTensorSamples } from './tensor-samples';

/** ε from here to here, or none, leaves √v + ε and ε² within float32. */
const SMALLEST_EPSILON = 2 ** -40;
const LARGEST_EPSILON = 2 ** 40;

/**
 * The statistics of lib/stats on a tensor device. One computation at a time: they share
 * the device's buffers.
 *
 * Definition  counts, fractions and extremes are the reference's; sums are float32, hence
 *             gradient_norm, gradient_rms, rms, update_std, ratio_std and update_mean differ
 *             by what compare-statistics.ts allows
 */
export function createTensorBackend(device: TensorDevice): StatisticsBackend {
  const { tf, name, isSoftware } = device;
  const samples =
    device.samples.kind === 'program'
      ? device.samples.program
      : createTensorSamples(tf, device.samples.upload);
  let hostRowCount = 0;

  /** Part by part: while the device computes one, the next is copied to it and the one before finished. */
  async function computeParts(
    input: FrameStatisticsInput,
    options: StatisticsOptions,
  ): Promise<FrameStatistics> {
    const { layerCount, sampleCount } = input;
    const { maxRows, maxCoordinates, maxUnderWay } = samples;
    const output = emptyStatistics(input);
    const underWay: RowsUnderWay[] = [];
    async function finishOldest(): Promise<void> {
      const oldest = underWay.shift();
      if (oldest === undefined) return;
      try {
        hostRowCount += finishRows(input, await oldest.read(), output);
      } finally {
        oldest.release();
      }
    }

    const partRows = Math.min(maxRows, Math.floor(maxCoordinates / sampleCount));
    const endWatch = device.watch();
    try {
      for (let firstRow = 0; firstRow < layerCount; firstRow += partRows) {
        if (underWay.length >= maxUnderWay) await finishOldest();
        const rowCount = Math.min(partRows, layerCount - firstRow);
        underWay.push(await samples.begin(input, options, firstRow, rowCount));
      }
      while (underWay.length > 0) await finishOldest();
    } finally {
      for (const part of underWay) part.release();
      const fault = await endWatch();
      // Of an operation that failed zeros were left behind, or an error that says less.
      if (fault !== null) throw new Error(`${device.device}: ${fault}`);
    }
    return output;
  }

  async function compute(input: FrameStatisticsInput): Promise<FrameStatistics> {
    const { layerCount, beta1, beta2 } = input;
    const epsilon = input.epsilon ?? ADAM_DEFAULTS.epsilon;
    if (fitsDevice(input, epsilon, samples.maxCoordinates)) {
      return computeParts(input, { epsilon, beta1, beta2 });
    }
    hostRowCount += layerCount;
    return computeFrameStatistics(input);
  }

  async function computeShapes(input: ShapesInput): Promise<HistogramShapes> {
    const { shapes, hostRowCount: left } = await computeDeviceShapes(device, input);
    hostRowCount += left;
    return shapes;
  }

  return {
    name,
    device: device.device,
    isSoftware,
    compute,
    computeShapes,
    status: () => ({
      tensorCount: tf.memory().numTensors,
      deviceBytes: device.deviceBytes() + samples.deviceBytes(),
      hostRowCount,
    }),
    dispose() {
      samples.dispose();
      device.dispose();
    },
  };
}

/** What does not fit goes to the reference, which also says what is wrong with a wrong input. */
function fitsDevice(input: FrameStatisticsInput, epsilon: number, maxCoordinates: number): boolean {
  const { layerCount, sampleCount, gradient, firstMoment, secondMoment, previousGradient } = input;
  const expected = layerCount * sampleCount;
  const columns = [gradient, firstMoment, secondMoment, previousGradient ?? gradient];
  return (
    expected > 0 &&
    sampleCount <= maxCoordinates &&
    columns.every(({ length }) => length === expected) &&
    input.parameterCounts.length === layerCount &&
    (epsilon === 0 || (epsilon >= SMALLEST_EPSILON && epsilon <= LARGEST_EPSILON))
  );
}
