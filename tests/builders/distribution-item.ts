import type { DistributionsReply } from '@/lib/contract/reads';

export type Item = DistributionsReply['items'][number];
export type Curves = DistributionsReply['referenceCurves'];

/** Reference curves of β1 0.9, β2 0.95. */
export const CURVES: Curves = {
  healthyStd: 0.22941573387056174,
  ratioBound: 1.1649647450214347,
  markers: [
    { kind: 'limit', at: 1 },
    { kind: 'stale_step', at: 0.9233805168766388 },
    { kind: 'single_burst', at: 0.4472135954999579 },
  ],
};

/** Counts of u or r in 16 bins of 0.125 on ±1, from what lies in the bins right of 0 outwards. */
export function aDistribution(kind: string, outwards: readonly number[], over = {}) {
  const right = Array.from({ length: 8 }, (_, i) => outwards[i] ?? 0);
  return {
    kind,
    edges: Array.from({ length: 17 }, (_, i) => -1 + i * 0.125),
    counts: [...[...right].reverse(), ...right],
    underflow: 0,
    overflow: 0,
    zeros: 0,
    nonFinite: 0,
    ...over,
  };
}

/** One step of one layer with a peak at 0 and healthy widths. */
export function anItem(over: Partial<Item> = {}): Item {
  return {
    step: 317,
    attempt: 1,
    loss: 0.0107,
    distributions: [
      aDistribution('update', [400, 250, 90, 20]),
      aDistribution('ratio', [400, 250, 90, 20]),
    ],
    statistics: { update_std: 0.229, ratio_std: 0.229, gradient_norm: 0.859 },
    nonFiniteCount: 0,
    ...over,
  };
}
