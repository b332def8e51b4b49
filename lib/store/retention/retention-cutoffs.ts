import type { ProjectPolicy } from '../../contract/project-policy';

/** What was received before these times goes; null for what is kept. */
export interface RetentionCutoffs {
  readonly raw: Date | null;
  readonly distributions: Date | null;
  readonly samples: Date | null;
}

export type RetentionKind = keyof RetentionCutoffs;
export const RETENTION_KINDS: readonly RetentionKind[] = ['raw', 'distributions', 'samples'];

const DAY_MS = 86_400_000;

export function cutoffsOf(policy: ProjectPolicy, now: Date): RetentionCutoffs {
  const before = (days: number | null): Date | null =>
    days === null ? null : new Date(now.getTime() - days * DAY_MS);
  return {
    raw: before(policy.keepRawDays),
    distributions: before(policy.keepDistributionsDays),
    samples: before(policy.keepSamplesDays),
  };
}

export function keepsEverything(cutoffs: RetentionCutoffs): boolean {
  return RETENTION_KINDS.every((kind) => cutoffs[kind] === null);
}
