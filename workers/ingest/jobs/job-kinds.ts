import type { CreateJob } from '../../../lib/contract/jobs';
import type { JobJson } from '../../../lib/store/jobs';
import type { StatisticsClient } from '../../accelerator/statistics-client';
import type { JobContext } from './job-kind';
import { recomputeStatistics } from './recompute-statistics';

export interface JobKindDependencies {
  readonly statistics: Pick<StatisticsClient, 'computeShapes'>;
}

/** Every kind of job that the worker knows. */
export function createJobWork({ statistics }: JobKindDependencies) {
  return (context: JobContext, request: CreateJob): Promise<JobJson> =>
    recomputeStatistics(statistics, context, request);
}
