import type { AlertCondition } from '../../contract/alert-rules';
import { formatNumber, formatStep } from '../text/format-number';

/** The worst value of an incident, on a page as in a message; of a rule about stages a count of layers. */
export function formatPeakValue(kind: AlertCondition['kind'], value: number): string {
  return kind === 'stage' ? formatStep(value) : formatNumber(value);
}
