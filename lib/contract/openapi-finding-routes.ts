import { ADVICE_ROUTES } from './openapi-advice-routes';
import { leadLagQuerySchema, leadLagReplySchema } from './lead-lag';
import { RUN, ok, type RouteDescription } from './openapi-route';
import { runParamsSchema } from './reads';
import { WARNING_WORDS, warningsQuerySchema, warningsReplySchema } from './warnings';

/** What detectors found beside spikes and stages. */
export const FINDING_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'listWarnings',
    method: 'get',
    path: `${RUN}/warnings`,
    tag: 'Read',
    scope: 'read',
    summary: 'What is no spike and still asks for someone',
    description:
      'Curvature beyond what Adam stands, of runs that report preconditioned_sharpness λ: the scalar ' +
      'stability_ratio, η·λ·(1−β1)/(2+2β1), above 1.2 for three samples, twice its lowest of 200 steps, or ' +
      'above 1 at the learning rate’s peak.',
    params: runParamsSchema,
    query: warningsQuerySchema,
    replies: [
      ok(warningsReplySchema, 'The warnings that touch the range, first step ascending.', {
        items: [
          {
            id: '1-warm_up_too_short-2000',
            attempt: 1,
            kind: 'warm_up_too_short',
            metric: 'stability_ratio',
            fromStep: 2000,
            toStep: null,
            peakStep: 2100,
            peakValue: 1.31,
            learningRate: 0.0006,
            ...WARNING_WORDS.warm_up_too_short,
          },
        ],
      }),
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'readLeadLag',
    method: 'get',
    path: `${RUN}/lead-lag`,
    tag: 'Read',
    scope: 'read',
    summary: 'Whether the RMS spikes of a layer announce loss spikes',
    description:
      'For every layer whose RMS spiked: how many loss spikes and divergences follow such a spike by ' +
      'shortestLead to longestLead steps, the chance of that for a spike that could be anywhere, and the ' +
      'binomial tail. Spikes less than mergeSteps apart count as the earliest. With many layers the smallest ' +
      'tail is small by chance too: multiply it by their number.',
    params: runParamsSchema,
    query: leadLagQuerySchema,
    replies: [
      ok(leadLagReplySchema, 'The table, the smallest tail first.', {
        shortestLead: 1,
        longestLead: 8,
        mergeSteps: 10,
        fromStep: 1000,
        toStep: 31399,
        eligibleSteps: 30400,
        items: [
          {
            layer: 0,
            rmsSpikeCount: 38,
            lossSpikeCount: 30,
            precededCount: 28,
            chance: 0.01,
            tail: 4.27e-54,
          },
        ],
      }),
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  ...ADVICE_ROUTES,
];
