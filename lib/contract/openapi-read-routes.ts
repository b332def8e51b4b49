import { z } from 'zod';
import { SAFETENSORS_MEDIA_TYPE } from './heatmap-columns';
import { HEATMAP_TENSORS } from './openapi-frames';
import { JSON_TYPE, RUN, ok, type RouteDescription } from './openapi-route';
import {
  distributionsQuerySchema,
  distributionsReplySchema,
  eventsQuerySchema,
  eventsReplySchema,
  heatmapQuerySchema,
  heatmapReplySchema,
  layerParamsSchema,
  projectsReplySchema,
  runParamsSchema,
  runsQuerySchema,
  runsReplySchema,
  seriesQuerySchema,
  seriesReplySchema,
  spikeSchema,
  spikesQuerySchema,
  spikesReplySchema,
  stagesQuerySchema,
  stagesReplySchema,
  tagsQuerySchema,
  tagsReplySchema,
  timelineQuerySchema,
  timelineReplySchema,
} from './reads';
import { runMetricsSchema, runSchema, runSettingsSchema } from './runs';

const spikeParamsSchema = runParamsSchema.extend({ spikeId: z.string() });

/** What pages and scripts read. */
export const READ_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'listRuns',
    method: 'get',
    path: '/api/v1/runs',
    tag: 'Read',
    scope: 'read',
    summary: 'List runs',
    description:
      'Pinned runs first, then the newest, or as sort says. q is text in id, name, project, tags and ' +
      'notes, or /regex/. All conditions hold at once.',
    query: runsQuerySchema,
    words: {
      spikes:
        'By loss spikes and divergences: any; open, that may recover yet; never_recovered, that were open when ' +
        'their attempt ended and that no later attempt replayed; none.',
    },
    replies: [
      ok(
        runsReplySchema,
        'One page of runs, and how many match: in all, by project and by status.',
      ),
    ],
    errors: ['invalid_query'],
  },
  {
    operationId: 'readRun',
    method: 'get',
    path: RUN,
    tag: 'Read',
    scope: 'read',
    summary: 'One run with its optimizer, attempts and layers',
    description: 'Layers come in model order; their index is used in every other route.',
    params: runParamsSchema,
    replies: [ok(runSchema, 'The run.')],
    errors: ['run_not_found'],
  },
  {
    operationId: 'readRunSettings',
    method: 'get',
    path: `${RUN}/settings`,
    tag: 'Read',
    scope: 'read',
    summary: 'What a run was told: its config and the optimizer of each attempt',
    description: 'Enough to compare runs, without their layers.',
    params: runParamsSchema,
    replies: [ok(runSettingsSchema, 'The settings.')],
    errors: ['run_not_found'],
  },
  {
    operationId: 'readRunMetrics',
    method: 'get',
    path: `${RUN}/metrics`,
    tag: 'Read',
    scope: 'read',
    summary: 'The metrics a run has stored',
    description: 'Names of scalars, layer metrics and histograms.',
    params: runParamsSchema,
    replies: [ok(runMetricsSchema, 'The names.')],
    errors: ['run_not_found'],
  },
  {
    operationId: 'readTimeline',
    method: 'get',
    path: `${RUN}/timeline`,
    tag: 'Read',
    scope: 'read',
    summary: 'Scalars over steps',
    description:
      'Buckets with minimum, maximum and mean over the finite values: a spike of one step in a million ' +
      'stays visible at every zoom. One bucket a reported step where they fit into points.',
    params: runParamsSchema,
    query: timelineQuerySchema,
    replies: [
      ok(timelineReplySchema, 'The series, in the order asked for.', {
        series: [
          {
            name: 'loss',
            points: [
              {
                fromStep: 317,
                toStep: 318,
                min: 0.0107,
                max: 2.137,
                mean: 1.074,
                nonFiniteCount: 0,
              },
            ],
          },
        ],
      }),
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'readHeatmap',
    method: 'get',
    path: `${RUN}/heatmap`,
    tag: 'Read',
    scope: 'read',
    summary: 'One metric of every layer over steps',
    description:
      'JSON, or float32 columns with Accept: application/vnd.safetensors. At most columns columns; one a ' +
      'reported step where they fit. reduce=extremes adds the lowest values of each column to the highest.',
    params: runParamsSchema,
    query: heatmapQuerySchema,
    replies: [
      {
        status: 200,
        description: 'The columns.',
        bodies: [
          { mediaType: JSON_TYPE, schema: heatmapReplySchema },
          { mediaType: SAFETENSORS_MEDIA_TYPE, schema: null, tensors: HEATMAP_TENSORS },
        ],
      },
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'readLayerSeries',
    method: 'get',
    path: `${RUN}/layers/{index}/series`,
    tag: 'Read',
    scope: 'read',
    summary: 'One metric of one layer over steps',
    description: 'Buckets as in the timeline.',
    params: layerParamsSchema,
    query: seriesQuerySchema,
    replies: [ok(seriesReplySchema, 'The layer and its buckets.')],
    errors: ['run_not_found', 'layer_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'readDistributions',
    method: 'get',
    path: `${RUN}/layers/{index}/distributions`,
    tag: 'Read',
    scope: 'read',
    summary: 'The distributions of one layer',
    description:
      'With step: the newest at or before it. With fromStep and toStep: a range. Counts come back as they ' +
      'were posted, with the layer’s statistics and what theory draws over them for the run’s betas. ' +
      'With reduce=sum a range comes as at most limit buckets, each the sum over all of its steps that reported.',
    params: layerParamsSchema,
    query: distributionsQuerySchema,
    replies: [ok(distributionsReplySchema, 'The distributions, step ascending.')],
    errors: [
      'run_not_found',
      'layer_not_found',
      'attempt_not_found',
      'distribution_not_found',
      'invalid_query',
    ],
  },
  {
    operationId: 'listSpikes',
    method: 'get',
    path: `${RUN}/spikes`,
    tag: 'Read',
    scope: 'read',
    summary: 'What the detectors found',
    description: 'Loss spikes, outlier batches, divergences and RMS spikes of all attempts.',
    params: runParamsSchema,
    query: spikesQuerySchema,
    replies: [ok(spikesReplySchema, 'The spikes, onset ascending.')],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'readSpike',
    method: 'get',
    path: `${RUN}/spikes/{spikeId}`,
    tag: 'Read',
    scope: 'read',
    summary: 'One spike',
    description: 'With its first movers: the layers that left their baseline before the loss rose.',
    params: spikeParamsSchema,
    replies: [ok(spikeSchema, 'The spike.')],
    errors: ['run_not_found', 'spike_not_found'],
  },
  {
    operationId: 'listStages',
    method: 'get',
    path: `${RUN}/stages`,
    tag: 'Read',
    scope: 'read',
    summary: 'The stage of every layer, as intervals of steps',
    description:
      'An open interval has toStep null. With layer, those of one layer, each with the numbers that it was decided with.',
    params: runParamsSchema,
    query: stagesQuerySchema,
    replies: [ok(stagesReplySchema, 'The intervals.')],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'listEvents',
    method: 'get',
    path: `${RUN}/events`,
    tag: 'Read',
    scope: 'read',
    summary: 'Posted events',
    description: 'Of all attempts, step ascending.',
    params: runParamsSchema,
    query: eventsQuerySchema,
    replies: [ok(eventsReplySchema, 'One page of events.')],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'listProjects',
    method: 'get',
    path: '/api/v1/projects',
    tag: 'Read',
    scope: 'read',
    summary: 'List projects',
    description: 'With the number of their runs and when one was last heard of.',
    replies: [ok(projectsReplySchema, 'The projects.')],
    errors: [],
  },
  {
    operationId: 'listTags',
    method: 'get',
    path: '/api/v1/tags',
    tag: 'Read',
    scope: 'read',
    summary: 'List tags',
    description: 'With the number of runs that have each, the most used first.',
    query: tagsQuerySchema,
    replies: [ok(tagsReplySchema, 'The tags, a thousand at most.')],
    errors: ['invalid_query'],
  },
];
