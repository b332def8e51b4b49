import { adviceQuerySchema, adviceReplySchema } from './advice';
import { RUN, ok, type RouteDescription } from './openapi-route';
import { runParamsSchema } from './reads';

/** What a training loop asks for itself. */
export const ADVICE_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'readAdvice',
    method: 'get',
    path: `${RUN}/advice`,
    tag: 'Read',
    scope: 'read',
    summary: 'What the training loop may do now',
    description:
      'Composed from what detectors have found up to `step`, with the precondition of each remedy; empty when ' +
      'all is well. It says what was seen before and with a spike, never what caused it. With `after` and ' +
      '`waitSeconds` it answers once something else is advised. A token of scope ingest may read it too. An ' +
      'event with the id of an item says that it was done.',
    params: runParamsSchema,
    query: adviceQuerySchema,
    words: {
      after: 'The version that is known: the answer waits for another one.',
      waitSeconds: 'How long it may wait.',
    },
    replies: [
      ok(adviceReplySchema, 'The advice, the most urgent first.', {
        runId: 'pretrain-7b-0412',
        attempt: 1,
        step: 120_009,
        version: 'nC8m2vXz0q1LhT4B',
        items: [
          {
            id: '1-lower_learning_rate-120008',
            action: 'lower_learning_rate',
            severity: 'warn',
            reason: 'the gradient jumped by a decade at 120 008 in wte and wpe, RMS up to 4.21',
            caveat:
              'The theory expects full-sized updates in one direction now, and the loss a step later.',
            sinceStep: 120_008,
            layers: [
              { index: 0, name: 'wte' },
              { index: 1, name: 'wpe' },
            ],
            factor: 0.1,
            value: null,
            forSteps: 20,
            checkpointStep: null,
            skipSteps: null,
            spikeId: null,
            incidentId: null,
          },
        ],
      }),
    ],
    errors: ['run_not_found', 'invalid_query', 'too_many_waiters'],
  },
];
