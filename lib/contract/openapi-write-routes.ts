import { SAFETENSORS_MEDIA_TYPE } from './heatmap-columns';
import { FRAME_METADATA, FRAME_TENSORS, postedFramesSchema } from './openapi-frames';
import { JSON_TYPE, RUN, json, ok, type RouteDescription } from './openapi-route';
import { samplesReplySchema } from './posted-samples';
import { runParamsSchema } from './reads';
import {
  createEventSchema,
  createRunReplySchema,
  createRunSchema,
  eventReplySchema,
  finishReplySchema,
  finishRunSchema,
  framesReplySchema,
} from './runs';

/** What a training job posts. */
export const WRITE_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'createRun',
    method: 'post',
    path: '/api/v1/runs',
    tag: 'Write',
    scope: 'ingest',
    summary: 'Create a run, or open a new attempt of it',
    description:
      'The same id again answers 200 and the same run, so a retry may ask twice. With resumeFromStep a ' +
      'new attempt takes over the effective trajectory’s steps below it and starts there; while the newest ' +
      'attempt has no frames yet, a resume at the same step returns that attempt. Without an id, creation ' +
      'is not idempotent.',
    body: json(createRunSchema, {
      project: 'char-lm',
      id: 'char-lm-1',
      tags: ['char', '8 × 64'],
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
      layers: [
        { name: 'wte', kind: 'embedding', parameterCount: 8192, shape: [128, 64] },
        { name: 'h.0.attn.c_attn', kind: 'attention', depth: 0, parameterCount: 12288 },
      ],
    }),
    replies: [
      {
        status: 201,
        description: 'The run was created, or a new attempt of it was opened.',
        bodies: json(createRunReplySchema, {
          id: 'char-lm-1',
          attempt: 1,
          nextStep: 0,
          url: 'http://127.0.0.1:3000/runs/char-lm-1',
        }),
      },
      ok(createRunReplySchema, 'The run, or the attempt without frames, was there already.'),
    ],
    errors: ['invalid_body', 'layers_differ', 'id_taken'],
  },
  {
    operationId: 'postFrames',
    method: 'post',
    path: `${RUN}/frames`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Post one or many steps',
    description:
      'The reply leaves once the database has committed the steps. One bad step never loses the others: ' +
      'it is listed in rejected with its code. A step already stored with the same content counts as a ' +
      'duplicate, with other content it is rejected as step_conflict, and as layers_overlap where a post of another ' +
      'layer_offset has brought some of its layers. Bodies may be gzip-encoded; 32 MiB ' +
      'after decompression. A safetensors body is the fast way; JSON holds the same numbers.',
    params: runParamsSchema,
    body: [
      {
        mediaType: SAFETENSORS_MEDIA_TYPE,
        schema: null,
        tensors: [...FRAME_TENSORS, ...FRAME_METADATA],
      },
      {
        mediaType: JSON_TYPE,
        schema: postedFramesSchema,
        example: {
          frames: [
            {
              step: 1,
              loss: 4.907,
              learningRate: 0.00015,
              gradientNorm: 2.911,
              layers: { gradient_norm: [0.4156, 0.2087], rms: [0.695, 1.0] },
              histograms: {
                update: {
                  edges: [-1, -0.5, 0, 0.5, 1],
                  counts: [
                    [212, 1840, 1804, 240],
                    [94, 6051, 6038, 105],
                  ],
                  outside: [
                    [0, 0, 4096, 0],
                    [0, 0, 0, 0],
                  ],
                },
              },
            },
          ],
        },
      },
    ],
    replies: [
      ok(framesReplySchema, 'What became of each step.', {
        accepted: 1,
        duplicates: 0,
        rejected: [],
        events: [],
      }),
    ],
    errors: [
      'run_not_found',
      'attempt_not_found',
      'run_finished',
      'body_too_large',
      'unsupported_media_type',
      'unsupported_encoding',
      'invalid_body',
      'invalid_frame',
      'layer_count_mismatch',
      'layer_offset_out_of_range',
      'step_conflict',
      'layers_overlap',
      'step_negative',
      'step_out_of_order',
      'step_out_of_range',
      'step_before_resume',
      'too_many_metrics',
      'writer_saturated',
    ],
  },
  {
    operationId: 'postSamples',
    method: 'post',
    path: `${RUN}/samples`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Post raw samples of steps that were posted without them',
    description:
      'For jobs that keep the last steps’ samples and post them once they suspect a spike. Taken are stored ' +
      'steps within 5 of the onset of a loss spike, a divergence or an RMS spike, and the newest 64 steps, ' +
      'of which those are kept that a spike turns out to be near. Other steps are listed in rejected ' +
      '(step_not_stored, outside_spikes). What the steps report is not computed again. The same post again ' +
      'counts as duplicates.',
    params: runParamsSchema,
    body: [
      {
        mediaType: SAFETENSORS_MEDIA_TYPE,
        schema: null,
        tensors: [
          ...FRAME_TENSORS.filter(({ name }) => name === 'step' || name.startsWith('sample/')),
          ...FRAME_METADATA,
        ],
      },
    ],
    replies: [
      ok(samplesReplySchema, 'What became of the samples of each step.', {
        accepted: 5,
        duplicates: 0,
        rejected: [
          { step: 250, code: 'outside_spikes', message: 'step 250 is near no spike of attempt 1' },
        ],
      }),
    ],
    errors: [
      'run_not_found',
      'attempt_not_found',
      'run_finished',
      'body_too_large',
      'unsupported_media_type',
      'unsupported_encoding',
      'invalid_body',
      'layer_count_mismatch',
      'layer_offset_out_of_range',
      'step_negative',
      'step_out_of_order',
      'step_out_of_range',
      'step_before_resume',
      'step_not_stored',
      'outside_spikes',
    ],
  },
  {
    operationId: 'createEvent',
    method: 'post',
    path: `${RUN}/events`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Mark a step: checkpoint, skipped batch, change of setting, note',
    description: 'Without an id, equal attempt, step, kind and title are one event.',
    params: runParamsSchema,
    body: json(createEventSchema, { step: 400, kind: 'checkpoint', title: 'ckpt-400' }),
    replies: [
      {
        status: 201,
        description: 'The event was stored.',
        bodies: [{ mediaType: JSON_TYPE, schema: eventReplySchema }],
      },
      ok(eventReplySchema, 'The event was there already.'),
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_body'],
  },
  {
    operationId: 'finishRun',
    method: 'post',
    path: `${RUN}/finish`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'End a run',
    description: 'Frames after it answer run_finished; a resume reopens the run.',
    params: runParamsSchema,
    body: json(finishRunSchema, { status: 'finished' }),
    replies: [ok(finishReplySchema, 'The run’s status; the same finish again answers the same.')],
    errors: ['run_not_found', 'invalid_body'],
  },
];
