/**
 * P(X ≥ k) for X binomial with n trials of probability p, without loss of digits in tails
 * as small as 1e-300: summed from the largest term on, each from its logarithm.
 *
 * Empty    k ≤ 0: 1; k > n: 0
 * Throws   RangeError for n that is no whole number of 0 or more, or p outside [0, 1]
 * Values   (28, 30, .01) → 4.27e-54 · (5, 10, .05) → 6.37e-5 · (2, 22, .0296) → .137
 */
export function binomialTail(k: number, n: number, p: number): number {
  if (!Number.isInteger(n) || n < 0 || !(p >= 0 && p <= 1)) {
    throw new RangeError(`expected whole n of 0 or more and p in [0, 1], got ${n} and ${p}`);
  }
  const first = Math.max(0, Math.ceil(k));
  if (first === 0) return 1;
  if (first > n || p === 0) return 0;
  if (p === 1) return 1;
  let logChoose = 0;
  for (let i = 1; i <= first; i++) logChoose += Math.log((n - first + i) / i);
  const terms: number[] = [];
  for (let successes = first; successes <= n; successes++) {
    terms.push(Math.exp(logChoose + successes * Math.log(p) + (n - successes) * Math.log1p(-p)));
    logChoose += Math.log((n - successes) / (successes + 1));
  }
  const sum = terms.sort((a, b) => a - b).reduce((total, term) => total + term, 0);
  return Math.min(1, sum);
}
