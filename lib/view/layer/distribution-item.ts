import type { DistributionsReply } from '../../contract/reads';

/** The distributions of a layer at one step, with what was stored beside them. */
export type DistributionItem = DistributionsReply['items'][number];

/** A number that was stored beside the distributions of a step; null where it was not. */
export function statistic(item: DistributionItem, name: string): number | null {
  return item.statistics[name] ?? null;
}

export function distributionOf(item: DistributionItem, kind: string) {
  return item.distributions.find((entry) => entry.kind === kind) ?? null;
}
