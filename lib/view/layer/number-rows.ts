import { RATIO_EXCESS_METRIC } from '../../contract/standard-metrics';
import { isRmsLevelOutOfReach, RMS_SPIKE_LEVEL, rmsCap } from '../../stats/rms-cap';
import { statistic, type DistributionItem } from './distribution-item';
import {
  formatFixed,
  formatNumber,
  formatPercent,
  formatSetting,
  formatStep,
} from '../text/format-number';

export interface NumberRow {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** What to compare it with: theory's value, or what it was before. */
  readonly remark: string;
}

/**
 * The stored numbers of one step beside what theory expects or what they were at the
 * reported step before. Only what was stored has a row.
 */
export function prepareNumberRows(
  item: DistributionItem,
  before: DistributionItem | null,
  healthyStd: number | null,
  beta2: number | null,
): readonly NumberRow[] {
  const healthy = healthyStd === null ? '' : `${formatNumber(healthyStd)} healthy`;
  const was = (name: string, format: (value: number | null) => string): string => {
    const value = before === null ? null : statistic(before, name);
    return value === null || before === null
      ? ''
      : `was ${format(value)} at ${formatStep(before.step)}`;
  };
  const signed = (value: number | null) => formatFixed(value, 2);
  const dip = (value: number | null) => formatFixed(value, 3);
  const rows: readonly [string, string, (value: number | null) => string, string][] = [
    ['update_std', 'std u', formatNumber, healthy],
    ['ratio_std', 'std r', formatNumber, healthy],
    ['update_dip', 'dip of u', dip, '≥ 0.030: two peaks'],
    ['ratio_dip', 'dip of r', dip, '≥ 0.030: two peaks'],
    ['ratio_valley_depth', 'valley depth', signed, '1 is fully split'],
    [RATIO_EXCESS_METRIC, '|r| > bound', formatPercent, '> 0 is corrupt'],
    [
      'rms',
      'RMS',
      signed,
      isRmsLevelOutOfReach(beta2)
        ? `${RMS_SPIKE_LEVEL} is out of reach`
        : `≥ ${RMS_SPIKE_LEVEL} is a spike`,
    ],
    ['gradient_norm', 'grad norm', formatNumber, was('gradient_norm', formatNumber)],
    ['gradient_cosine', 'lag-1 cosine', signed, was('gradient_cosine', signed)],
    ['gradient_sign_agreement', 'sign kept', formatPercent, '50 % by chance'],
    [
      'update_small_fraction',
      '|u| < 0.01',
      formatPercent,
      was('update_small_fraction', formatPercent),
    ],
    [
      'gradient_below_epsilon_fraction',
      '|g| < ε',
      formatPercent,
      was('gradient_below_epsilon_fraction', formatPercent),
    ],
    [
      'second_moment_below_epsilon_fraction',
      '√v < ε',
      formatPercent,
      was('second_moment_below_epsilon_fraction', formatPercent),
    ],
  ];
  return rows
    .filter(([name]) => statistic(item, name) !== null)
    .flatMap(([name, label, format, remark]) => {
      const row = { name, label, value: format(statistic(item, name)), remark };
      return name === 'rms' ? [row, ...capRow(beta2)] : [row];
    });
}

/** How high RMS can be with this β2; none where it is not known. */
function capRow(beta2: number | null): readonly NumberRow[] {
  const cap = rmsCap(beta2);
  if (cap === null) return [];
  const remark = `1/√(1−β2), β2 ${formatSetting(beta2)}`;
  return [{ name: 'rms_cap', label: 'RMS at most', value: formatFixed(cap, 2), remark }];
}
