/**
 * What Adam's authors recommend, taken where a run does not say: Kingma and Ba 2015,
 * algorithm 1. A run without betas still gets a range for r that holds every common pair.
 */
export const ADAM_DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
