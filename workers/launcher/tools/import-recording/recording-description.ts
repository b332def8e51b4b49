import { z } from 'zod';
import type { CreateRun, Layer, Optimizer } from '../../../../lib/contract/runs';
import { describeLayer } from './recorded-line';

/** What the `.meta.json` beside a recording says; every part may be missing. */
const metaSchema = z.looseObject({
  config: z
    .looseObject({
      optimizer: z.string().optional(),
      b1: z.number().optional(),
      b2: z.number().optional(),
      eps: z.number().optional(),
      wd: z.number().optional(),
    })
    .optional(),
  layers: z
    .array(
      z.object({
        name: z.string().min(1),
        n: z.int().min(1),
        shape: z.array(z.int().min(0)).optional(),
      }),
    )
    .optional(),
});

export interface RecordingDescription {
  readonly optimizer: Optimizer;
  /** null: to be taken from the first line. */
  readonly layers: readonly Layer[] | null;
  readonly config: NonNullable<CreateRun['config']>;
}

/** The recordings' runs all used AdamW; without a description nothing is claimed. */
export const UNDESCRIBED: RecordingDescription = {
  optimizer: { name: 'unknown' },
  layers: null,
  config: {},
};

/** Throws  ZodError naming the field when the text is no such description */
export function parseDescription(text: string): RecordingDescription {
  const json: unknown = JSON.parse(text);
  const { config, layers, ...rest } = metaSchema.parse(json);
  const { optimizer = 'adamw', b1, b2, eps, wd } = config ?? {};
  return {
    optimizer: {
      name: optimizer,
      ...(b1 === undefined ? {} : { beta1: b1 }),
      ...(b2 === undefined ? {} : { beta2: b2 }),
      ...(eps === undefined ? {} : { epsilon: eps }),
      ...(wd === undefined ? {} : { weightDecay: wd }),
    },
    layers:
      layers?.map(({ name, n, shape }) => ({
        ...describeLayer(name),
        parameterCount: n,
        ...(shape === undefined ? {} : { shape }),
      })) ?? null,
    config: z.record(z.string(), z.json()).parse({ ...rest, ...config }),
  };
}
