'use client';

import { useEffect, useState } from 'react';
import { jobSchema, type Job } from '@/lib/contract/jobs';
import { type ProjectPolicy, projectPolicyReplySchema } from '@/lib/contract/project-policy';
import { retentionReplySchema, type RetentionReply } from '@/lib/contract/retention';
import { ApiFailure, apiPath, readJson, sendJson } from '@/app/_hooks/api-client';

export interface Freeing {
  readonly doneSteps: number;
  readonly totalSteps: number;
  readonly freedBytes: number;
  /** null while it goes on; else what went wrong, or that nothing did. */
  readonly end: { readonly fault: string | null } | null;
}

const POLL_MS = 1000;

const pathOf = (project: string, part: string) =>
  `/projects/${encodeURIComponent(project)}/${part}`;

export function readPolicy(project: string): Promise<ProjectPolicy> {
  return readJson(apiPath(pathOf(project, 'policy')), projectPolicyReplySchema);
}

/** A dry run of a policy that is not saved yet. */
export async function tryPolicy(project: string, policy: ProjectPolicy): Promise<RetentionReply> {
  const path = apiPath(pathOf(project, 'retention'), { dryRun: 'true' });
  return retentionReplySchema.parse(await sendJson('POST', path, policyOf(policy)));
}

/** Saves the policy and starts what frees; where nothing goes there is nothing to start. */
export async function savePolicy(
  project: string,
  policy: ProjectPolicy,
  frees: boolean,
): Promise<RetentionReply | null> {
  await sendJson('PUT', apiPath(pathOf(project, 'policy')), policyOf(policy));
  if (!frees) return null;
  const path = apiPath(pathOf(project, 'retention'), { dryRun: 'false' });
  return retentionReplySchema.parse(await sendJson('POST', path));
}

/** Without what a reply says besides. */
function policyOf(policy: ProjectPolicy): ProjectPolicy {
  const { keepRawDays, keepDistributionsDays, keepSamplesDays, roundAfterDays } = policy;
  return { keepRawDays, keepDistributionsDays, keepSamplesDays, roundAfterDays };
}

export function toFault(error: unknown): string {
  return error instanceof ApiFailure ? error.message : String(error);
}

/** How far the jobs of a started run of retention are; null before one is started. */
export function useFreeing(started: RetentionReply | null): Freeing | null {
  const [freeing, setFreeing] = useState<Freeing | null>(null);
  useEffect(() => {
    if (started === null) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      const next = await readFreeing(started, controller.signal);
      if (controller.signal.aborted) return;
      setFreeing(next);
      if (next.end === null) timer = setTimeout(() => void poll(), POLL_MS);
    };
    void poll();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [started]);
  return freeing;
}

async function readFreeing(started: RetentionReply, signal: AbortSignal): Promise<Freeing> {
  const { freedBytes } = started;
  const read = async ({ id, jobId }: RetentionReply['runs'][number]): Promise<Job | null> =>
    jobId === null
      ? null
      : readJson(apiPath(`/runs/${encodeURIComponent(id)}/jobs/${jobId}`), jobSchema, signal);
  try {
    const jobs = (await Promise.all(started.runs.map(read))).filter((job) => job !== null);
    const sum = (value: (job: Job) => number): number =>
      jobs.reduce((total, job) => total + value(job), 0);
    const fault = jobs.find(({ status }) => status === 'failed' || status === 'cancelled');
    const isOver = jobs.every(({ finishedAt }) => finishedAt !== null);
    const why = fault === undefined ? null : (fault.message ?? `a job was ${fault.status}`);
    return {
      freedBytes,
      doneSteps: sum(({ doneSteps }) => doneSteps),
      totalSteps: sum(({ totalSteps, doneSteps }) => totalSteps ?? doneSteps),
      end: isOver ? { fault: why } : null,
    };
  } catch (error) {
    return { freedBytes, doneSteps: 0, totalSteps: 0, end: { fault: toFault(error) } };
  }
}
