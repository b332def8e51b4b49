/**
 * What is known of every standard metric: how it is called, drawn and anchored.
 * A metric that is not here is custom, stored and shown the same way.
 */

/** How values are laid on a colour or y scale. */
export type MetricScale = 'log' | 'linear' | 'fraction' | 'diverging' | 'categorical';

/** The level at which the heatmap's hue breaks, if the metric has one. */
export type ReferenceLevel =
  | { readonly kind: 'none' }
  | { readonly kind: 'epsilon' }
  | { readonly kind: 'value'; readonly value: number; readonly label: string };

export interface StandardMetric {
  readonly name: string;
  readonly label: string;
  readonly scale: MetricScale;
  readonly reference: ReferenceLevel;
  /** One sentence for a person who meets it for the first time. */
  readonly meaning: string;
  readonly isDerived: boolean;
}

const none: ReferenceLevel = { kind: 'none' };
const epsilon: ReferenceLevel = { kind: 'epsilon' };

function metric(
  name: string,
  label: string,
  scale: MetricScale,
  reference: ReferenceLevel,
  meaning: string,
  isDerived = false,
): StandardMetric {
  return { name, label, scale, reference, meaning, isDerived };
}

/** By how much the posted moments cannot be Adam's; a layer with any of it is `corrupt_ratio`. */
export const RATIO_EXCESS_METRIC = 'ratio_beyond_bound_fraction';

export const STANDARD_METRICS: readonly StandardMetric[] = [
  metric('gradient_norm', 'Gradient norm', 'log', epsilon, 'Euclidean norm of the gradient.'),
  metric('gradient_rms', 'Gradient RMS', 'log', epsilon, 'Gradient norm divided by √n.'),
  metric('gradient_abs_max', 'Largest |g|', 'log', epsilon, 'Largest absolute gradient.'),
  metric(
    'gradient_nonfinite_count',
    'Non-finite gradients',
    'linear',
    none,
    'Gradients that are NaN or infinite.',
  ),
  metric(
    'gradient_below_epsilon_fraction',
    'Share |g| < ε',
    'fraction',
    none,
    'Share of coordinates whose gradient is smaller than Adam’s ε.',
  ),
  metric(
    'second_moment_below_epsilon_fraction',
    'Share √v < ε',
    'fraction',
    none,
    'Share of coordinates whose √v is smaller than Adam’s ε.',
  ),
  metric('weight_norm', 'Weight norm', 'log', none, 'Euclidean norm of the weights.'),
  metric('update_mean', 'Mean of u', 'diverging', none, 'Mean of the update m/(√v+ε).'),
  metric(
    'update_std',
    'Std of u',
    'log',
    none,
    'Standard deviation of the update; 0.229 healthy at β1 = 0.9.',
  ),
  metric('update_abs_max', 'Largest |u|', 'log', none, 'Largest absolute update.'),
  metric(
    'update_small_fraction',
    'Share |u| < 0.01',
    'fraction',
    none,
    'Share of coordinates that hardly move; 0.035 healthy at β1 = 0.9.',
  ),
  metric('ratio_std', 'Std of r', 'log', none, 'Standard deviation of the ratio m/√v.'),
  metric(
    'rms',
    'RMS',
    'log',
    { kind: 'value', value: 2.3, label: '2.3' },
    'RMS_t = √mean(g²/max(v, ε²)); near 1 healthy, a spike from 2.3.',
  ),
  metric(
    'gradient_cosine',
    'Lag-1 cosine',
    'diverging',
    none,
    'Cosine between this gradient and the one of the step before.',
  ),
  metric(
    'gradient_sign_agreement',
    'Sign agreement',
    'fraction',
    none,
    'Share of coordinates whose gradient kept its sign since the step before.',
  ),
  metric(
    'update_dip',
    'Dip of u',
    'log',
    { kind: 'value', value: 0.03, label: '0.03' },
    'Dip statistic of u; two peaks from 0.03.',
    true,
  ),
  metric(
    'ratio_dip',
    'Dip of r',
    'log',
    { kind: 'value', value: 0.03, label: '0.03' },
    'Dip statistic of r; two peaks from 0.03.',
    true,
  ),
  metric(
    'ratio_bimodality_coefficient',
    'Bimodality of r',
    'linear',
    none,
    'Bimodality coefficient of r; 5/9 for a uniform distribution.',
    true,
  ),
  metric(
    'ratio_valley_depth',
    'Valley depth of r',
    'fraction',
    none,
    'One minus the density at 0 over the highest density.',
    true,
  ),
  metric(
    RATIO_EXCESS_METRIC,
    'Share |r| beyond its bound',
    'fraction',
    none,
    'Share of coordinates whose |r| is larger than Adam’s betas allow; anything but 0 is corrupt.',
    true,
  ),
  metric(
    'stage',
    'Stage',
    'categorical',
    none,
    'Where the layer stands in the paper’s process.',
    true,
  ),
];

const byName = new Map(STANDARD_METRICS.map((entry) => [entry.name, entry]));

/** The metric's entry; a custom metric gets its own name and a logarithmic scale. */
export function describeMetric(name: string): StandardMetric {
  return byName.get(name) ?? metric(name, name, 'log', none, 'Custom metric of this run.');
}

export function isStandardMetric(name: string): boolean {
  return byName.has(name);
}
