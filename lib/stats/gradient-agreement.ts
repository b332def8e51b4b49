export interface GradientAgreement {
  readonly gradient_cosine: number | null;
  readonly gradient_sign_agreement: number | null;
}

/**
 * How far a gradient points where the one of the step before pointed: the cosine
 * ⟨g, p⟩/(‖g‖·‖p‖) and the share of coordinates of equal sign.
 *
 * Shape       two [S] float32 of the same coordinates, read once
 * Units       cosine −1…1, share 0…1
 * Empty       null for both
 * Definition  a coordinate that is 0 on either side has no sign and is in no share, so
 *             embedding rows without gradient do not pose as agreement
 * NaN/Inf     coordinates where either is not finite are left out of both; they are
 *             counted by gradient_nonfinite_count of their step
 *             null where undefined: a zero vector, no coordinate with two signs
 * Throws      RangeError when the lengths differ
 */
export function computeGradientAgreement(
  gradient: Float32Array,
  previousGradient: Float32Array,
): GradientAgreement {
  if (gradient.length !== previousGradient.length) {
    throw new RangeError(
      `expected ${gradient.length} coordinates of the step before, got ${previousGradient.length}`,
    );
  }
  let product = 0;
  let squares = 0;
  let previousSquares = 0;
  let equalSigns = 0;
  let signedPairs = 0;
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i] ?? 0;
    const p = previousGradient[i] ?? 0;
    const term = g * p;
    // Two finite float32 cannot overflow a float64, so a finite product means finite
    // factors, save Infinity · 0 = NaN, which is not finite either.
    if (!Number.isFinite(term)) continue;
    product += term;
    squares += g * g;
    previousSquares += p * p;
    // Nor can they underflow to 0: the smallest product is about 2e-90.
    if (term > 0) equalSigns++;
    if (term !== 0) signedPairs++;
  }
  const lengths = Math.sqrt(squares) * Math.sqrt(previousSquares);
  return {
    // Rounding can carry parallel vectors a hair beyond ±1.
    gradient_cosine: lengths > 0 ? Math.max(-1, Math.min(1, product / lengths)) : null,
    gradient_sign_agreement: signedPairs > 0 ? equalSigns / signedPairs : null,
  };
}
