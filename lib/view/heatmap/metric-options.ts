import {
  describeMetric,
  STANDARD_METRICS,
  type MetricScale,
} from '../../contract/standard-metrics';
import type { ColourScale } from '../colours/colour-scale';

/** A metric as the run view offers it; some are stored ones seen in another unit. */
export interface MetricOption {
  /** As the URL holds it. */
  readonly key: string;
  /** The stored metric that is read. */
  readonly stored: string;
  readonly label: string;
  /** In a read-out, in the middle of a line. */
  readonly shortLabel: string;
  readonly meaning: string;
  readonly scale: MetricScale;
  readonly isPerRootN: boolean;
  readonly isCustom: boolean;
}

const PER_ROOT_N = 'gradient_norm_per_root_n';

/** "Gradient norm" in the middle of a sentence; names and symbols keep their case. */
function lowerFirst(label: string): string {
  return /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
}

function storedOption(name: string): MetricOption {
  const { label, meaning, scale } = describeMetric(name);
  return {
    key: name,
    stored: name,
    label,
    shortLabel: lowerFirst(label),
    meaning,
    scale,
    isPerRootN: false,
    isCustom: !STANDARD_METRICS.some((metric) => metric.name === name),
  };
}

/**
 * What can be chosen, in the order of the standard metrics, custom ones after them. A
 * stored gradient norm can also be seen divided by √n, where ε is exact for any layer size.
 */
export function prepareMetricOptions(layerMetrics: readonly string[]): MetricOption[] {
  const standard = STANDARD_METRICS.filter(({ name }) => layerMetrics.includes(name));
  const custom = layerMetrics.filter((name) => !STANDARD_METRICS.some((m) => m.name === name));
  const options = [...standard.map(({ name }) => name), ...custom.sort()].map(storedOption);
  const norm = options.findIndex(({ key }) => key === 'gradient_norm');
  const found = options[norm];
  if (found !== undefined) {
    options.splice(norm + 1, 0, {
      ...found,
      key: PER_ROOT_N,
      label: 'Gradient norm ÷ √n',
      shortLabel: 'norm ÷ √n',
      meaning: 'Gradient norm divided by √n: the RMS of the gradient, comparable with ε.',
      isPerRootN: true,
    });
  }
  return options;
}

/** The chosen option, or the first one: a link may name a metric that is not stored here. */
export function chooseMetric(
  options: readonly MetricOption[],
  key: string | null,
): MetricOption | null {
  return options.find((option) => option.key === key) ?? options[0] ?? null;
}

/** The level at which the hue breaks, where the metric and the run have one. */
export function referenceLevel(stored: string, epsilon: number | undefined): ColourScale['level'] {
  const { reference } = describeMetric(stored);
  switch (reference.kind) {
    case 'none':
      return null;
    case 'epsilon':
      return epsilon === undefined || epsilon <= 0 ? null : { value: epsilon, label: 'ε' };
    case 'value':
      return { value: reference.value, label: reference.label };
  }
}
