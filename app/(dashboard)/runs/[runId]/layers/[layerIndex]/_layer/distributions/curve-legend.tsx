import type { ReactNode } from 'react';
import type { ReferenceCurves } from '@/lib/contract/reads';
import { formatNumber } from '@/lib/view/text/format-number';
import { describeMarkers } from '@/lib/view/layer/marker-words';
import { CURVE_STYLES, MARKER_STYLES } from './distribution-chart';
import { Explained } from './explained';
import styles from './curve-legend.module.css';

const HEALTHY_MEANING =
  'What u and r look like while gradients are independent from step to step with mean 0: a normal of width √((1−β1)/(1+β1)).';
const ZERO_MEANING =
  'Coordinates that are exactly 0: they never got a gradient, or lost it to rounding. They are in no bin and in no curve.';
const DIP_MEANING =
  'The distance to the nearest distribution with one peak, 0 to 0.25. p is the chance that one peak gives such a dip, for at most 10 000 coordinates: with more, p is 0 for differences that nobody could see, so the alarm is the dip’s.';

export function LineSample({ stroke, dash }: { readonly stroke: string; readonly dash: string }) {
  return (
    <svg width={22} height={8} aria-hidden>
      <path d="M0 4h22" stroke={stroke} strokeWidth={1.5} strokeDasharray={dash} fill="none" />
    </svg>
  );
}

function MarkSample({ stroke, dash }: { readonly stroke: string; readonly dash: string }) {
  return (
    <svg width={6} height={14} aria-hidden>
      <path d="M3 0v14" stroke={stroke} strokeWidth={1.4} strokeDasharray={dash} />
    </svg>
  );
}

/** What the curves and lines of distributions are, with this run's own values and their meaning; more entries may follow. */
export function CurveLegend({
  curves,
  axisLimit,
  hasZeros,
  hasDip,
  children,
}: {
  readonly curves: ReferenceCurves;
  readonly axisLimit: number;
  readonly hasZeros: boolean;
  readonly hasDip: boolean;
  readonly children?: ReactNode;
}) {
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
          <MarkSample {...MARKER_STYLES[kind]} />
          <Explained meaning={meaning}>{label}</Explained>
        </li>
      ))}
      {hasZeros ? (
        <li>
          <MarkSample stroke="var(--accent)" dash="" />
          <Explained meaning={ZERO_MEANING}>exactly 0, in no bin</Explained>
        </li>
      ) : null}
      {hasDip ? (
        <li>
          <Explained meaning={DIP_MEANING}>dip ≥ 0.030 counts as two peaks</Explained>
        </li>
      ) : null}
      {children}
    </ul>
  );
}
