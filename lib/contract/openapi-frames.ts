import { z } from 'zod';
import { jsonFrameSchema, jsonFramesSchema } from './frames-json';

/**
 * The two forms of a posted frame and the binary heatmap, as the published document
 * describes them. What is accepted is decided by the codecs.
 */

/** The JSON form whole; the codec parses its frames one by one, so its own schema leaves them open. */
export const postedFramesSchema = jsonFramesSchema.extend({ frames: z.array(jsonFrameSchema) });

/** One tensor of a safetensors body. T steps, L layers, B bins, S samples, C columns. */
export interface TensorDescription {
  readonly name: string;
  readonly dtype: string;
  readonly shape: string;
  readonly meaning: string;
}

function tensor(name: string, dtype: string, shape: string, meaning: string): TensorDescription {
  return { name, dtype, shape, meaning };
}

export const FRAME_TENSORS: readonly TensorDescription[] = [
  tensor('step', 'I64', '[T]', 'Required; strictly increasing.'),
  tensor('loss', 'F64, F32', '[T]', 'The loss before the update.'),
  tensor('learning_rate', 'F64, F32', '[T]', 'The learning rate of the update.'),
  tensor('wall_time', 'F64', '[T]', 'Unix seconds.'),
  tensor('gradient_norm', 'F64, F32', '[T]', 'The global gradient norm.'),
  tensor('scalar/<name>', 'F64, F32', '[T]', 'Any other number of the step.'),
  tensor('layer/<metric>', 'F32, F16, BF16', '[T, L]', 'One value for each layer.'),
  tensor(
    'histogram/<name>',
    'U32',
    '[T, L, B]',
    'Counts of update, ratio or a name of your own; exact zeros in no bin.',
  ),
  tensor('edges/<name>', 'F32', '[B + 1]', 'Required with a histogram; strictly increasing.'),
  tensor('outside/<name>', 'U32', '[T, L, 4]', 'Underflow, overflow, exact zeros, non-finite.'),
  tensor('sample/gradient', 'F32, F16, BF16', '[T, L, S]', 'Raw coordinates; S at most 65,536.'),
  tensor('sample/first_moment', 'F32, F16, BF16', '[T, L, S]', 'Bias-corrected.'),
  tensor('sample/second_moment', 'F32, BF16', '[T, L, S]', 'Bias-corrected; F16 would flush it.'),
];

export const FRAME_METADATA: readonly TensorDescription[] = [
  tensor('__metadata__.attempt', 'decimal string', '', 'Default: the newest attempt.'),
  tensor(
    '__metadata__.layer_offset',
    'decimal string',
    '',
    'The first layer of a shard that posts its own layers only; without it L is the run’s.',
  ),
];

export const HEATMAP_TENSORS: readonly TensorDescription[] = [
  tensor(
    'values',
    'F32',
    '[L, C]',
    'Over the finite values; NaN where non_finite is 0 means that nothing was reported.',
  ),
  tensor('non_finite', 'U32', '[L, C]', 'Non-finite values in the column.'),
  tensor(
    'minima',
    'F32',
    '[L, C]',
    'With reduce=extremes: as values, which are the highest, the lowest.',
  ),
  tensor('from_step', 'I64', '[C]', 'First reported step of the column.'),
  tensor('to_step', 'I64', '[C]', 'Last reported step of the column.'),
  tensor('loss', 'F32', '[C]', 'The loss of the column.'),
  tensor('scalar/<name>', 'F64', '[C]', 'Other numbers of the step, where there are any.'),
];
