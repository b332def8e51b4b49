import { EXPORT_HEADERS, EXPORT_MEDIA_TYPES, EXPORT_TRAILERS, exportQuerySchema } from './exports';
import { RUN, type RouteDescription } from './openapi-route';
import { runParamsSchema } from './reads';

/** Files of what is stored. */
export const EXPORT_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'exportRun',
    method: 'get',
    path: `${RUN}/export`,
    tag: 'Read',
    scope: 'read',
    summary: 'All stored values of a selection, as CSV, JSON lines or Parquet',
    description:
      'Streamed, rows ascending in steps. Layers: one row a step and layer that reported any of the metrics. ' +
      'Stages go by their first step, spikes by their onset. NaN and the infinities are themselves; what was ' +
      'not reported is empty or null. To go on after a break, drop the rows of the last step and ask from that ' +
      `step on, unless ${EXPORT_HEADERS.attempts} tells of a rewind below it. A body that is whole ends with the trailers ${EXPORT_TRAILERS.completeStep} and ${EXPORT_TRAILERS.rows}, ` +
      `and ${EXPORT_TRAILERS.gapsAtEnd} where a policy let values go while it was read.`,
    params: runParamsSchema,
    query: exportQuerySchema,
    replies: [
      {
        status: 200,
        description: 'The file.',
        bodies: Object.values(EXPORT_MEDIA_TYPES).map((mediaType) => ({ mediaType, schema: null })),
        headers: {
          [EXPORT_HEADERS.total]: {
            type: 'integer',
            description: 'How many steps (of layers and steps) or rows the body has.',
          },
          [EXPORT_HEADERS.firstStep]: { type: 'integer', description: 'The first step.' },
          [EXPORT_HEADERS.lastStep]: { type: 'integer', description: 'The last step.' },
          [EXPORT_HEADERS.nextStep]: {
            type: 'integer',
            description: 'Where to go on, when maxSteps cut the body off.',
          },
          [EXPORT_HEADERS.attempts]: {
            type: 'string',
            description:
              'Of layers and steps: the attempt that counts from each step on, as 1:0,2:3000.',
          },
          [EXPORT_HEADERS.gaps]: {
            type: 'string',
            description:
              'Steps, as 0-4095,8192-9215, of which the policy of the project has left rollups alone: no row has them.',
          },
          [EXPORT_HEADERS.roundedBefore]: {
            type: 'integer',
            description:
              'Before this step some values of layers are kept to a thousandth; without it none is.',
          },
        },
      },
    ],
    errors: [
      'run_not_found',
      'attempt_not_found',
      'layer_not_found',
      'invalid_query',
      'too_many_exports',
    ],
  },
];
