import type { ReferenceCurves } from '@/lib/contract/reads';
import {
  DRIFT_CHOICES,
  parseDrift,
  type ChosenDrift,
  type prepareCorrelatedReference,
} from '@/lib/view/layer/correlated-reference';
import { formatNumber, formatSetting } from '@/lib/view/text/format-number';
import { describeMarkers } from '@/lib/view/layer/marker-words';
import { SelectMenu } from '@/app/_components/select-menu';
import { CURVE_STYLES, MARKER_STYLES } from './distribution-chart';
import { Explained } from './explained';
import { setDrift } from '../model/use-layer-url';
import styles from './marker-legend.module.css';

const HEALTHY_MEANING =
  'What u and r look like while gradients are independent from step to step with mean 0: a normal of width √((1−β1)/(1+β1)).';
const CORRELATED_MEANING =
  'What u and r look like where every gradient is a steady drift ±ρ under noise of variance 1: two normals around ±ρ/√(1+ρ²). The lag-1 cosine is then ρ²/(1+ρ²); both must tell the same story.';
const ZERO_MEANING =
  'Coordinates that are exactly 0: they never got a gradient, or lost it to rounding. They are in no bin and in no curve.';
const DIP_MEANING =
  'The distance to the nearest distribution with one peak, 0 to 0.25. p is the chance that one peak gives such a dip, for at most 10 000 coordinates: with more, p is 0 for differences that nobody could see, so the alarm is the dip’s.';

function LineSample({ stroke, dash }: { readonly stroke: string; readonly dash: string }) {
  return (
    <svg width={22} height={8} aria-hidden>
      <path d="M0 4h22" stroke={stroke} strokeWidth={1.5} strokeDasharray={dash} fill="none" />
    </svg>
  );
}

/** What the curves and lines of the panels are, with this run's own values and their meaning. */
export function MarkerLegend({
  curves,
  drift,
  correlated,
  axisLimit,
  hasZeros,
  hasDip,
}: {
  readonly curves: ReferenceCurves;
  readonly drift: ChosenDrift | null;
  readonly correlated: ReturnType<typeof prepareCorrelatedReference>;
  readonly axisLimit: number;
  readonly hasZeros: boolean;
  readonly hasDip: boolean;
}) {
  const choices = DRIFT_CHOICES.some((choice) => choice === drift)
    ? DRIFT_CHOICES
    : [...(typeof drift === 'number' ? [drift] : []), ...DRIFT_CHOICES];
  return (
    <ul className={styles['legend']}>
      {curves.healthyStd === null ? (
        <li>No β1 was posted with the run: the healthy normal is unknown.</li>
      ) : (
        <li>
          <LineSample {...CURVE_STYLES.healthy} />
          <Explained meaning={HEALTHY_MEANING}>
            healthy normal, std {formatNumber(curves.healthyStd)}
          </Explained>
        </li>
      )}
      {describeMarkers(curves, axisLimit).map(({ kind, label, meaning }) => (
        <li key={kind}>
          <svg width={6} height={14} aria-hidden>
            <path
              d="M3 0v14"
              stroke={MARKER_STYLES[kind].stroke}
              strokeWidth={1.4}
              strokeDasharray={MARKER_STYLES[kind].dash}
            />
          </svg>
          <Explained meaning={meaning}>{label}</Explained>
        </li>
      ))}
      {hasZeros ? (
        <li>
          <svg width={6} height={14} aria-hidden>
            <path d="M3 0v14" stroke="var(--accent)" strokeWidth={1.4} />
          </svg>
          <Explained meaning={ZERO_MEANING}>exactly 0, in no bin</Explained>
        </li>
      ) : null}
      {hasDip ? (
        <li>
          <Explained meaning={DIP_MEANING}>dip ≥ 0.030 counts as two peaks</Explained>
        </li>
      ) : null}
      <li>
        {correlated !== null && 'parts' in correlated ? (
          <LineSample {...CURVE_STYLES.correlated} />
        ) : null}
        <Explained meaning={CORRELATED_MEANING}>
          {correlated !== null && 'parts' in correlated ? correlated.label : 'correlated'}
        </Explained>
        <SelectMenu
          label="Correlated reference"
          value={drift === null ? 'off' : String(drift)}
          options={[
            { value: 'off', label: 'off' },
            { value: 'cosine', label: 'ρ of the measured cosine' },
            ...choices.map((choice) => ({
              value: String(choice),
              label: `ρ ${formatSetting(choice)}`,
            })),
          ]}
          onChange={(value) => setDrift(parseDrift(value))}
        />
      </li>
      {correlated !== null && 'reason' in correlated ? (
        <li role="status">{correlated.reason}</li>
      ) : null}
    </ul>
  );
}
