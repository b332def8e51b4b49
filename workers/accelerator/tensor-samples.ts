import { RATIO_BIN_COUNT } from '../../lib/stats/ratio-edges';
import type { FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import { UPDATE_BIN_COUNT } from '../../lib/stats/update-edges';
import { computeBatch } from './batch-tensors';
import { slotCountOf } from './count-bins';
import {
  type DeviceConstants,
  type StatisticsOptions,
  createDeviceConstants,
} from './device-constants';
import { columnNames } from './row-columns';
import type { DeviceRows, SampleProgram } from './sample-program';
import type { TensorLibrary, UploadColumn } from './tensor-library';

/**
 * Coordinates of one batch: enough that launching some hundred operations costs little
 * beside computing them, few enough that the thirty tensors alive at once fit in 0.5 GiB.
 */
const MAX_BATCH_COORDINATES = 4 * 1024 * 1024;
/** Bin indices of a batch stay exact as float32: 16,384 rows of 420 slots are below 2^24. */
const MAX_BATCH_ROWS = 16_384;

/** Samples as tensor operations, for a device that has no program of its own. */
export function createTensorSamples(tf: TensorLibrary, upload: UploadColumn): SampleProgram {
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

  function launch(
    input: FrameStatisticsInput,
    options: StatisticsOptions,
    firstRow: number,
    rowCount: number,
  ) {
    const { sampleCount, previousGradient } = input;
    const values = constantsFor(options);
    const uploadRows = (columns: Float32Array) =>
      upload(
        columns.subarray(firstRow * sampleCount, (firstRow + rowCount) * sampleCount),
        rowCount,
      );
    return tf.tidy(() =>
      computeBatch(
        tf,
        {
          gradient: uploadRows(input.gradient),
          firstMoment: uploadRows(input.firstMoment),
          secondMoment: uploadRows(input.secondMoment),
          previousGradient: previousGradient === null ? null : uploadRows(previousGradient),
        },
        values,
      ),
    );
  }

  return {
    maxCoordinates: MAX_BATCH_COORDINATES,
    maxRows: MAX_BATCH_ROWS,
    maxUnderWay: 1,
    begin(input, options, firstRow, rowCount) {
      const flat = launch(input, options, firstRow, rowCount);
      return Promise.resolve({
        read: async () =>
          splitRows(
            await flat.data<'float32'>(),
            firstRow,
            rowCount,
            input.previousGradient !== null,
          ),
        release: () => flat.dispose(),
      });
    },
    deviceBytes: () => 0,
    dispose() {
      constants?.values.dispose();
      constants = null;
    },
  };
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
