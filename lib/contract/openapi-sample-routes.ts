import { SAFETENSORS_MEDIA_TYPE } from './heatmap-columns';
import {
  layerSamplesQuerySchema,
  layerSamplesReplySchema,
  sampleStepsQuerySchema,
  sampleStepsReplySchema,
} from './layer-samples';
import { JSON_TYPE, RUN, ok, type RouteDescription } from './openapi-route';
import { layerParamsSchema, runParamsSchema } from './reads';

/** Raw samples that were kept around spikes. */
export const SAMPLE_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'listSampleSteps',
    method: 'get',
    path: `${RUN}/samples`,
    tag: 'Read',
    scope: 'read',
    summary: 'Steps that have raw samples',
    description:
      'Of what a job posts as sample/…, only the steps within 5 of the onset of a loss spike, a divergence ' +
      'or an RMS spike are kept.',
    params: runParamsSchema,
    query: sampleStepsQuerySchema,
    replies: [
      ok(sampleStepsReplySchema, 'The steps, ascending.', {
        items: [{ step: 317, attempt: 1, layerCount: 35, sampleCount: 4096 }],
      }),
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'readLayerSamples',
    method: 'get',
    path: `${RUN}/layers/{index}/samples`,
    tag: 'Read',
    scope: 'read',
    summary: 'Raw (g, m, v) of a layer at a step',
    description:
      'Exactly the step asked for. As safetensors the values come in the types that they were posted in, ' +
      'bit for bit; in JSON a value that is not finite is null.',
    params: layerParamsSchema,
    query: layerSamplesQuerySchema,
    replies: [
      {
        status: 200,
        description: 'The samples.',
        bodies: [
          {
            mediaType: JSON_TYPE,
            schema: layerSamplesReplySchema,
            example: {
              layer: { index: 0, name: 'wte', parameterCount: 8192 },
              step: 317,
              attempt: 1,
              sampleCount: 3,
              types: { gradient: 'BF16', firstMoment: 'BF16', secondMoment: 'F32' },
              gradient: [0.0312, -0.0041, null],
              firstMoment: [0.0029, -0.0007, 0.0001],
              secondMoment: [4.1e-5, 1.2e-6, 3.3e-7],
              nonFiniteCount: 1,
            },
          },
          {
            mediaType: SAFETENSORS_MEDIA_TYPE,
            schema: null,
            tensors: ['gradient', 'first_moment', 'second_moment'].map((name) => ({
              name: `sample/${name}`,
              dtype: name === 'second_moment' ? 'F32, BF16' : 'F32, F16, BF16',
              shape: '[S]',
              meaning: 'In the type that it was posted in.',
            })),
          },
        ],
      },
    ],
    errors: [
      'run_not_found',
      'layer_not_found',
      'attempt_not_found',
      'samples_not_found',
      'invalid_query',
    ],
  },
];
