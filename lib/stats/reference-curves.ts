/** Where a mode of r or u lies when something is wrong, and what put it there. */
export interface ReferenceMarker {
  /**
   * limit         ±1: gradients that always point one way (the correlated limit)
   * stale_step    ±β1/√β2: one missed gradient after that; the paper's "mode"
   * single_burst  ±(1−β1)/√(1−β2): one gradient far above all before it
   */
  readonly kind: 'limit' | 'stale_step' | 'single_burst';
  readonly at: number;
}

export interface ReferenceCurves {
  /** Standard deviation of the healthy normal around 0, √((1−β1)/(1+β1)); null without β1. */
  readonly healthyStd: number | null;
  readonly markers: readonly ReferenceMarker[];
}

/**
 * What theory expects of r, and of u where ε is small beside √v, for a run's betas.
 *
 * Shape       two betas in [0, 1) or null → the curves; markers come in pairs, − before +
 * Empty       betas that are null, NaN or outside [0, 1) drop what needs them; ±1 stays
 * Definition  the healthy std holds for independent zero-mean gradients: 0.2294 at
 *             β1 = 0.9. With β1 = 0 and sign-like noise r is ±1 in health too.
 * Source      docs/architecture.md, "What theory draws"
 */
export function computeReferenceCurves(
  beta1: number | null,
  beta2: number | null,
): ReferenceCurves {
  const one = toBeta(beta1);
  const two = toBeta(beta2);
  const markers = [...pair('limit', 1)];
  if (one !== null && two !== null) {
    if (one > 0 && two > 0) markers.push(...pair('stale_step', one / Math.sqrt(two)));
    markers.push(...pair('single_burst', (1 - one) / Math.sqrt(1 - two)));
  }
  return { healthyStd: one === null ? null : Math.sqrt((1 - one) / (1 + one)), markers };
}

function toBeta(beta: number | null): number | null {
  return beta !== null && beta >= 0 && beta < 1 ? beta : null;
}

function pair(kind: ReferenceMarker['kind'], at: number): ReferenceMarker[] {
  return [
    { kind, at: -at },
    { kind, at },
  ];
}
