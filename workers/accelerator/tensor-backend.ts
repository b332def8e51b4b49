import { ADAM_DEFAULTS } from '../../lib/stats/adam-defaults';
import { RATIO_BIN_COUNT } from '../../lib/stats/ratio-edges';
import { UPDATE_BIN_COUNT } from '../../lib/stats/update-edges';
import {
  type FrameStatistics,
  type FrameStatisticsInput,
  computeFrameStatistics,
} from '../../lib/stats/frame-statistics';
import type { HistogramShapes, ShapesInput } from '../../lib/stats/histogram-shapes';
import { computeBatch } from './batch-tensors';
import { slotCountOf } from './count-bins';
import {
  type DeviceConstants,
  type StatisticsOptions,
  createDeviceConstants,
} from './device-constants';
import { computeDeviceShapes } from './device-shapes';
import { type DeviceRows, emptyStatistics, finishRows } from './finish-rows';
import { columnNames } from './row-columns';
import type { StatisticsBackend } from './statistics-backend';
import type { TensorDevice } from './tensor-library';

/**
 * Coordinates of one batch: enough that launching some hundred operations costs little
 * beside computing them, few enough that the thirty tensors alive at once fit in 0.5 GiB.
 */
const MAX_BATCH_COORDINATES = 4 * 1024 * 1024;
/** Bin indices of a batch stay exact as float32: 16,384 rows of 420 slots are below 2^24. */
const MAX_BATCH_ROWS = 16_384;
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
  let hostRowCount = 0;
  let constants: { options: StatisticsOptions; values: DeviceConstants } | null = null;

  function constantsFor(options: StatisticsOptions): DeviceConstants {
    const isSame =
      constants?.options.epsilon === options.epsilon &&
      constants.options.beta1 === options.beta1 &&
      constants.options.beta2 === options.beta2;
    if (constants === null || !isSame) {
      constants?.values.dispose();
      constants = { options, values: createDeviceConstants(tf, options) };
    }
    return constants.values;
  }

  async function computeRows(
    input: FrameStatisticsInput,
    values: DeviceConstants,
    firstRow: number,
    rowCount: number,
  ): Promise<DeviceRows> {
    const { sampleCount, previousGradient } = input;
    const upload = (columns: Float32Array) =>
      device.upload(
        columns.subarray(firstRow * sampleCount, (firstRow + rowCount) * sampleCount),
        rowCount,
      );
    const endWatch = device.watch();
    const flat = tf.tidy(() =>
      computeBatch(
        tf,
        {
          gradient: upload(input.gradient),
          firstMoment: upload(input.firstMoment),
          secondMoment: upload(input.secondMoment),
          previousGradient: previousGradient === null ? null : upload(previousGradient),
        },
        values,
      ),
    );
    try {
      const [numbers, fault] = await Promise.all([flat.data<'float32'>(), endWatch()]);
      if (fault !== null) throw new Error(`${device.device}: ${fault}`);
      return splitRows(numbers, firstRow, rowCount, previousGradient !== null);
    } finally {
      flat.dispose();
      device.releaseUploads();
    }
  }

  async function compute(input: FrameStatisticsInput): Promise<FrameStatistics> {
    const { layerCount, sampleCount, beta1, beta2 } = input;
    const epsilon = input.epsilon ?? ADAM_DEFAULTS.epsilon;
    if (!fitsDevice(input, epsilon)) {
      hostRowCount += layerCount;
      return computeFrameStatistics(input);
    }

    const values = constantsFor({ epsilon, beta1, beta2 });
    const output = emptyStatistics(input);
    const batchRows = Math.min(MAX_BATCH_ROWS, Math.floor(MAX_BATCH_COORDINATES / sampleCount));
    for (let firstRow = 0; firstRow < layerCount; firstRow += batchRows) {
      const rowCount = Math.min(batchRows, layerCount - firstRow);
      const rows = await computeRows(input, values, firstRow, rowCount);
      hostRowCount += finishRows(input, rows, output);
    }
    return output;
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
      deviceBytes: device.deviceBytes(),
      hostRowCount,
    }),
    dispose() {
      constants?.values.dispose();
      constants = null;
      device.dispose();
    },
  };
}

/** What does not fit goes to the reference, which also says what is wrong with a wrong input. */
function fitsDevice(input: FrameStatisticsInput, epsilon: number): boolean {
  const { layerCount, sampleCount, gradient, firstMoment, secondMoment, previousGradient } = input;
  const expected = layerCount * sampleCount;
  const columns = [gradient, firstMoment, secondMoment, previousGradient ?? gradient];
  return (
    expected > 0 &&
    sampleCount <= MAX_BATCH_COORDINATES &&
    columns.every(({ length }) => length === expected) &&
    input.parameterCounts.length === layerCount &&
    (epsilon === 0 || (epsilon >= SMALLEST_EPSILON && epsilon <= LARGEST_EPSILON))
  );
}

function splitRows(
  numbers: Float32Array,
  firstRow: number,
  rowCount: number,
  hasPrevious: boolean,
): DeviceRows {
  const ratioEnd = rowCount * slotCountOf(RATIO_BIN_COUNT / 2);
  const updateEnd = ratioEnd + rowCount * slotCountOf(UPDATE_BIN_COUNT / 2);
  const columns = new Map(
    columnNames(hasPrevious).map((name, index) => {
      const start = updateEnd + index * rowCount;
      return [name, numbers.subarray(start, start + rowCount)];
    }),
  );
  return {
    firstRow,
    rowCount,
    ratioSlots: numbers.subarray(0, ratioEnd),
    updateSlots: numbers.subarray(ratioEnd, updateEnd),
    column(name) {
      const column = columns.get(name);
      if (column === undefined) throw new Error(`the device sent no column ${name}`);
      return column;
    },
  };
}
