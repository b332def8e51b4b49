import { ok, type RouteDescription } from './openapi-route';
import { recurringBatchesReplySchema, recurringBatchesSchema } from './recurring-batches';
import { spikeSearchReplySchema, spikeSearchSchema } from './spike-search';
import { stageSearchReplySchema, stageSearchSchema } from './stage-search';

const RUN_WORDS = {
  project: 'Of this project only.',
  q: 'Runs with this text in id, name, project, tags or notes, or /regex/ (/regex/i for either case).',
  tags: 'Runs with all of these tags, separated by commas.',
  config:
    'Conditions on what attempts were told, separated by commas: a path, one of < <= > >= = != and a value. ' +
    'optimizer.beta1, .beta2, .epsilon, .weightDecay and .name are the attempt’s; parameters and layers say its ' +
    'size; any other path is of the posted config.',
} as const;

/** Questions to all runs that may be seen. */
export const SEARCH_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'searchSpikes',
    method: 'get',
    path: '/api/v1/spikes',
    tag: 'Read',
    scope: 'read',
    summary: 'Spikes of all runs: found by what moved first, by settings, in groups',
    description:
      'Every spike of the attempts that match, by its best dates, with the layer that moved first. total counts all ' +
      'that match, items are a page of them. steps are those from the first to the last reported one of every ' +
      'attempt that was asked, and spikesPer10kSteps is over them; with from or to they are null. Groups of what ' +
      'is known of an attempt have those without a spike too; groups of spikes are over the steps of all attempts. ' +
      'A question that takes longer than five seconds is refused.',
    query: spikeSearchSchema,
    words: {
      ...RUN_WORDS,
      kind: 'Separated by commas; loss_spike,divergence without it.',
      recovery:
        'Separated by commas: fast, slow, partial, unrecovered, diverged, open, and never_recovered for what was ' +
        'open when its attempt ended.',
      verdict: 'Separated by commas: precursor_found, no_precursor, insufficient_data.',
      layer: 'Spikes before which such a layer moved: text in its name, or /regex/.',
      minLead: 'Spikes before whose rise a layer (of those) moved at least so many steps earlier.',
      stage: 'Spikes at whose onset a layer was in any of these stages, separated by commas.',
      stageLayer: 'The layers whose stage counts: text in the name, or /regex/.',
      from: 'Onsets from this time on, ISO 8601, by the job’s clock where it sends one.',
      to: 'Onsets before this time.',
      groupBy:
        'project, optimizer, model_size, beta1, beta2, epsilon or config.<path> of attempts; kind, recovery, ' +
        'mover_kind or mover_layer of spikes.',
      sizes:
        'Edges between groups of model sizes, ascending, separated by commas; else powers of ten.',
      sort: 'newest run first, or the longest lead, or the most lost steps.',
    },
    replies: [
      ok(spikeSearchReplySchema, 'A page of spikes, and what all of them come to.', {
        items: [
          {
            run: { id: 'pretrain-7b-0412', name: 'pretrain-7b-0412', project: 'pretrain-7b' },
            optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
            ...{ parameters: 6738415616, id: '1-loss_spike-120012', attempt: 1 },
            ...{ kind: 'loss_spike', onsetStep: 120012, riseStep: 120011, peakStep: 120014 },
            ...{ peakValue: 4.1, baseline: 2.2, recoveredStep: 120131, recovery: 'slow' },
            ...{ hasEnded: true, verdict: 'precursor_found' },
            mover: {
              ...{ layer: 0, name: 'wte', kind: 'embedding', metric: 'rms', step: 120005 },
              ...{ leadSteps: 6, z: 9.3 },
            },
            ...{ lostSteps: 119, at: '2026-04-12T03:10:00.000Z' },
            postmortem: '/runs/pretrain-7b-0412/spikes/1-loss_spike-120012',
          },
        ],
        total: {
          ...{ spikeCount: 1, spikeRunCount: 1, runCount: 4, attemptCount: 5, steps: 640000 },
          ...{ spikesPer10kSteps: 0.015625, medianLead: 6, leadCount: 1, precursorCount: 1 },
          ...{ judgedCount: 1, lostSteps: 119 },
        },
      }),
    ],
    errors: ['invalid_query'],
  },
  {
    operationId: 'searchStages',
    method: 'get',
    path: '/api/v1/stages',
    tag: 'Read',
    scope: 'read',
    summary: 'Which layers reached a stage, in how many runs, and for how long',
    description:
      'A row a layer’s name (or kind) and stage: the runs in which it was reached, of those that have such a ' +
      'layer, and the steps in it over all of them. What is still open counts up to the last step of its attempt.',
    query: stageSearchSchema,
    words: {
      ...RUN_WORDS,
      stage: 'Separated by commas; armed,trigger,explosion,diverged without it.',
      layer: 'Text in the layer’s name, or /regex/.',
      groupBy: 'layer (by name) or layer_kind.',
    },
    replies: [ok(stageSearchReplySchema, 'By runs, then by steps, the most first.')],
    errors: ['invalid_query'],
  },
  {
    operationId: 'listRecurringBatches',
    method: 'get',
    path: '/api/v1/recurring-batches',
    tag: 'Read',
    scope: 'read',
    summary: 'Steps at which several runs of one data order have an event',
    description:
      'Runs share a data order where the posted config has the same data_order, or the same dataset and data_seed; ' +
      'by names other settings. tail is the chance that as many or more of the other runs have an event within reach, ' +
      'were events anywhere: the binomial tail of runCount − 1 among watchedCount − 1 with the mean share of their ' +
      'steps within reach of an event. expected is the tail times placeCount: an item is worth a look where it is far ' +
      'below 1. Posted batch ids say whether the batch was the same.',
    query: recurringBatchesSchema,
    words: {
      ...RUN_WORDS,
      by: 'Settings that say the data order, separated by commas; all of them must be equal.',
      within: 'Events at most so many steps apart are at one place.',
      kind: 'Separated by commas; loss_spike,outlier_batch,divergence without it.',
      limit: 'At most so many places a data order.',
    },
    replies: [ok(recurringBatchesReplySchema, 'Data orders of two runs or more.')],
    errors: ['invalid_query'],
  },
];
