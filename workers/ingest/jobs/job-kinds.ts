import { assertNever } from '../../../lib/contract/app-error';
import type { CreateJob } from '../../../lib/contract/jobs';
import type { JobJson } from '../../../lib/store/jobs';
import type { StatisticsClient } from '../../accelerator/statistics-client';
import { applyRetention } from './apply-retention';
import type { JobContext } from './job-kind';
import { reevaluateLosses } from './reevaluate-losses';
import { recomputeStatistics } from './recompute-statistics';

export interface JobKindDependencies {
  readonly now: () => Date;
  readonly statistics: Pick<StatisticsClient, 'computeShapes'>;
}

/** Every kind of job that the worker knows. */
export function createJobWork({ statistics, now }: JobKindDependencies) {
  return (context: JobContext, request: CreateJob): Promise<JobJson> => {
    switch (request.kind) {
      case 'recompute_statistics':
        return recomputeStatistics(statistics, context, request);
      case 'reevaluate_losses':
        return reevaluateLosses(context, request);
      case 'apply_retention':
        return applyRetention(context, now);
      default:
        return assertNever(request);
    }
  };
}
