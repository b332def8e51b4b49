import type { ReferenceCurves } from '../../contract/reads';
import { markerPlace, type MarkerKind } from './distribution-panel';
import { formatFixed } from '../text/format-number';

/** One marker of the panels as its legend tells it. */
export interface MarkerWords {
  readonly kind: MarkerKind;
  /** "±0.45 single burst". */
  readonly label: string;
  /** What puts peaks there. */
  readonly meaning: string;
}

const WORDS: Readonly<Record<MarkerKind, { readonly name: string; readonly meaning: string }>> = {
  limit: {
    name: 'limit',
    meaning:
      'Where r ends up when gradients always point one way: |m| grows as large as √v. Peaks here mean gradients that are the same from step to step, and a lag-1 cosine near 1.',
  },
  stale_step: {
    name: 'one stale step',
    meaning:
      'β1/√β2: one missed gradient after ±1, since m then shrinks faster than √v. Coordinates that get a gradient now and then (rows of an embedding) make a ladder of such steps. The paper names it as the mode.',
  },
  single_burst: {
    name: 'single burst',
    meaning:
      '(1−β1)/√(1−β2): one gradient that outweighs the whole history sets m and v by itself. Peaks here during a burst are no proof that gradients were correlated before it.',
  },
};

/** The markers that theory has for this run's betas; those beyond the axis say so. */
export function describeMarkers(
  curves: ReferenceCurves,
  axisLimit: number,
): readonly MarkerWords[] {
  return (['limit', 'stale_step', 'single_burst'] as const).flatMap((kind) => {
    const place = markerPlace(curves, kind);
    if (place === null) return [];
    const { name, meaning } = WORDS[kind];
    const written = formatFixed(place, kind === 'limit' ? 0 : 2);
    return [
      {
        kind,
        label: `±${written} ${name}${place >= axisLimit ? ', off this axis' : ''}`,
        meaning,
      },
    ];
  });
}
