import { bitsAtOrAbove, bitsWithRootAtOrAbove, floatOfBits } from '../../lib/stats/float-bits';
import type { FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import { SMALL_UPDATE } from '../../lib/stats/small-update';
import { slotCountOf } from './count-bins';
import {
  LARGEST_QUOTIENT,
  NEAR_EDGE,
  SMALLEST_QUOTIENT,
  type StatisticsOptions,
  computeMagnitudes,
} from './device-constants';
import { columnNames } from './row-columns';
import {
  RATIO_MAGNITUDE_COUNT,
  SAMPLE_KERNEL,
  UPDATE_MAGNITUDE_COUNT,
  wordsOfRow,
} from './sample-kernel';
import type { DeviceRows, SampleProgram } from './sample-program';
import { SampleSlot, type SlotSizes } from './sample-slot';

/**
 * Coordinates of a part: 16 MiB with the step before. Large enough that a submission costs
 * little beside its copy, small enough that little is left to wait for after the last copy.
 */
const MAX_PART_COORDINATES = 1024 * 1024;
/** 4.6 MiB of answers, for frames of many short rows. */
const MAX_PART_ROWS = 2048;
const MAX_UNDER_WAY = 4;
const PARAMETER_WORDS = 12;

/** Samples by the program of sample-kernel.ts, on WebGPU itself. */
export function createKernelSamples(device: GPUDevice): SampleProgram {
  const { STORAGE, COPY_DST } = GPUBufferUsage;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: SAMPLE_KERNEL }), entryPoint: 'main' },
  });
  const edges = device.createBuffer({
    size: 4 * (RATIO_MAGNITUDE_COUNT + UPDATE_MAGNITUDE_COUNT),
    usage: STORAGE | COPY_DST,
  });
  let edgesOf = '';
  const free: { slot: SampleSlot; bindings: GPUBindGroup }[] = [];
  let deviceBytes = edges.size;

  function useEdges({ beta1, beta2 }: StatisticsOptions): void {
    const betas = `${beta1}/${beta2}`;
    if (betas === edgesOf) return;
    const { ratio, update } = computeMagnitudes(beta1, beta2);
    device.queue.writeBuffer(edges, 0, Float32Array.of(...ratio, ...update));
    edgesOf = betas;
  }

  function take(needed: SlotSizes) {
    const found = free.pop();
    if (found?.slot.fits(needed) === true) return found;
    if (found !== undefined) discard(found.slot);
    const slot = new SampleSlot(device, needed, 4 * PARAMETER_WORDS);
    deviceBytes += slot.sizeBytes;
    const resources = [slot.buffers.parameters, edges, slot.buffers.samples, slot.buffers.answer];
    const bindings = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: resources.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return { slot, bindings };
  }

  function discard(slot: SampleSlot): void {
    deviceBytes -= slot.sizeBytes;
    slot.destroy();
  }

  return {
    maxCoordinates: MAX_PART_COORDINATES,
    maxRows: MAX_PART_ROWS,
    maxUnderWay: MAX_UNDER_WAY,
    async begin(input, options, firstRow, rowCount) {
      const hasPrevious = input.previousGradient !== null;
      const columns = columnsOf(input, firstRow, rowCount);
      const sizes = {
        sampleBytes: 4 * columns.length * rowCount * input.sampleCount,
        answerBytes: 4 * rowCount * wordsOfRow(hasPrevious),
      };
      useEdges(options);
      const { slot, bindings } = take(sizes);
      const memory = await slot.open(sizes.sampleBytes);
      columns.forEach((column, index) => memory.set(column, index * column.length));
      device.queue.writeBuffer(slot.buffers.parameters, 0, toParameters(input, options, rowCount));
      slot.send(sizes, (encoder) => {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindings);
        pass.dispatchWorkgroups(rowCount);
        pass.end();
      });
      return {
        read: async () =>
          splitAnswer(await slot.read(sizes.answerBytes), firstRow, rowCount, hasPrevious),
        release() {
          if (slot.close()) free.push({ slot, bindings });
          else discard(slot);
        },
      };
    },
    deviceBytes: () => deviceBytes,
    dispose() {
      for (const { slot } of free.splice(0)) discard(slot);
      edges.destroy();
    },
  };
}

/** g, m, v and the g of the step before, of these rows. */
function columnsOf(
  { sampleCount, gradient, firstMoment, secondMoment, previousGradient }: FrameStatisticsInput,
  firstRow: number,
  rowCount: number,
): Float32Array[] {
  return [gradient, firstMoment, secondMoment, previousGradient].flatMap((values) =>
    values === null
      ? []
      : [values.subarray(firstRow * sampleCount, (firstRow + rowCount) * sampleCount)],
  );
}

/** As `Parameters` of the program lists them. */
function toParameters(
  { sampleCount, previousGradient }: FrameStatisticsInput,
  { epsilon }: StatisticsOptions,
  rowCount: number,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PARAMETER_WORDS);
  words.set([
    sampleCount,
    rowCount,
    previousGradient === null ? 0 : 1,
    epsilon > 0 ? 1 : 0,
    bitsAtOrAbove(epsilon),
    bitsWithRootAtOrAbove(epsilon),
  ]);
  const smallUpdate = floatOfBits(bitsAtOrAbove(SMALL_UPDATE));
  new Float32Array(words.buffer).set(
    [epsilon, smallUpdate, SMALLEST_QUOTIENT, LARGEST_QUOTIENT, 1 - NEAR_EDGE, 1 + NEAR_EDGE],
    6,
  );
  return words;
}

function splitAnswer(
  answer: ArrayBuffer,
  firstRow: number,
  rowCount: number,
  hasPrevious: boolean,
): DeviceRows {
  const words = new Uint32Array(answer);
  const ratioEnd = rowCount * slotCountOf(RATIO_MAGNITUDE_COUNT);
  const updateEnd = ratioEnd + rowCount * slotCountOf(UPDATE_MAGNITUDE_COUNT);
  const names = columnNames(hasPrevious);
  return {
    firstRow,
    rowCount,
    ratioSlots: words.subarray(0, ratioEnd),
    updateSlots: words.subarray(ratioEnd, updateEnd),
    column(name) {
      const index = names.indexOf(name);
      if (index < 0) throw new Error(`the device sent no column ${name}`);
      return new Float32Array(answer, 4 * (updateEnd + index * rowCount), rowCount);
    },
  };
}
