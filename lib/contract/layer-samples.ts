import { z } from 'zod';
import { SAMPLE_TYPES, type SampleType } from './frame';
import { queryStep } from './query-numbers';
import { attemptSelectorSchema } from './reads';
import { layerSchema } from './runs';
import { type Tensor, type TensorToEncode, encodeSafetensors, readFloat32 } from './safetensors';

/**
 * Raw samples that were kept around spikes, read back: which steps have some, and those of
 * one layer at one step, as JSON or in the types that they were posted in.
 */

const sampleTypeSchema = z.enum(SAMPLE_TYPES);

export const sampleStepsQuerySchema = z.object({
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
  attempt: attemptSelectorSchema.default('effective'),
});
export type SampleStepsQuery = z.infer<typeof sampleStepsQuerySchema>;

export const sampleStepsReplySchema = z.object({
  items: z.array(
    z.object({
      step: z.int(),
      attempt: z.int(),
      /** Of how many layers; fewer than the run has where a shard posted none. */
      layerCount: z.int(),
      /** Coordinates a layer. */
      sampleCount: z.int(),
    }),
  ),
});
export type SampleStepsReply = z.infer<typeof sampleStepsReplySchema>;

export const layerSamplesQuerySchema = z.object({
  step: queryStep,
  attempt: attemptSelectorSchema.default('effective'),
});
export type LayerSamplesQuery = z.infer<typeof layerSamplesQuerySchema>;

const valuesSchema = z.array(z.number().nullable());

/** Non-finite values are null in JSON and themselves in the binary form. */
export const layerSamplesReplySchema = z.object({
  layer: layerSchema.extend({ index: z.int() }),
  step: z.int(),
  attempt: z.int(),
  sampleCount: z.int(),
  types: z.object({
    gradient: sampleTypeSchema,
    firstMoment: sampleTypeSchema,
    secondMoment: sampleTypeSchema,
  }),
  gradient: valuesSchema,
  firstMoment: valuesSchema,
  secondMoment: valuesSchema,
  nonFiniteCount: z.int(),
});
export type LayerSamplesReply = z.infer<typeof layerSamplesReplySchema>;

/** [S] of one tensor, little-endian in its type. */
export interface SampleColumn {
  readonly type: SampleType;
  readonly bytes: Uint8Array;
}

export interface LayerSamples {
  readonly layer: LayerSamplesReply['layer'];
  readonly step: number;
  readonly attempt: number;
  readonly sampleCount: number;
  readonly gradient: SampleColumn;
  readonly firstMoment: SampleColumn;
  readonly secondMoment: SampleColumn;
}

/** The JSON form. */
export function toLayerSamplesReply(samples: LayerSamples): LayerSamplesReply {
  const { layer, step, attempt, sampleCount, gradient, firstMoment, secondMoment } = samples;
  let nonFiniteCount = 0;
  const valuesOf = (column: SampleColumn): (number | null)[] =>
    Array.from(readFloat32('sample', toTensor(column, sampleCount)), (value) => {
      if (Number.isFinite(value)) return value;
      nonFiniteCount++;
      return null;
    });
  return {
    layer,
    step,
    attempt,
    sampleCount,
    types: {
      gradient: gradient.type,
      firstMoment: firstMoment.type,
      secondMoment: secondMoment.type,
    },
    gradient: valuesOf(gradient),
    firstMoment: valuesOf(firstMoment),
    secondMoment: valuesOf(secondMoment),
    nonFiniteCount,
  };
}

/**
 * The binary form: `sample/gradient`, `sample/first_moment`, `sample/second_moment` [S] in
 * the types that they were posted in, bit for bit; `__metadata__`: `step`, `attempt`, `layer`.
 */
export function encodeLayerSamples(samples: LayerSamples): Uint8Array<ArrayBuffer> {
  const { layer, step, attempt, sampleCount } = samples;
  const tensor = (name: string, { type, bytes }: SampleColumn): TensorToEncode => {
    // A copy of its own lies aligned.
    const { buffer } = Uint8Array.from(bytes);
    const data = type === 'F32' ? new Float32Array(buffer) : new Uint16Array(buffer);
    return { name, dtype: type, shape: [sampleCount], data };
  };
  return encodeSafetensors(
    [
      tensor('sample/gradient', samples.gradient),
      tensor('sample/first_moment', samples.firstMoment),
      tensor('sample/second_moment', samples.secondMoment),
    ],
    { step: String(step), attempt: String(attempt), layer: String(layer.index) },
  );
}

function toTensor({ type, bytes }: SampleColumn, sampleCount: number): Tensor {
  return { dtype: type, shape: [sampleCount], elementCount: sampleCount, bytes };
}
