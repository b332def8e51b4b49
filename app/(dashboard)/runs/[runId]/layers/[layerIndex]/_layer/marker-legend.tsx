import type { ReferenceCurves } from '@/lib/contract/reads';
import { markerPlace, type MarkerKind } from '@/lib/view/distribution-panel';
import { formatFixed, formatNumber } from '@/lib/view/format-number';
import { MARKER_STYLES } from './distribution-chart';
import styles from './marker-legend.module.css';

const WORDS: Readonly<Record<MarkerKind, string>> = {
  limit: 'limit',
  stale_step: 'one stale step',
  single_burst: 'single burst',
};

/** What the curves and lines of the panels are, with this run's own values. */
export function MarkerLegend({
  curves,
  axisLimit,
  hasZeros,
  hasDip,
}: {
  readonly curves: ReferenceCurves;
  readonly axisLimit: number;
  readonly hasZeros: boolean;
  readonly hasDip: boolean;
}) {
  const markers = (['limit', 'stale_step', 'single_burst'] as const).flatMap((kind) => {
    const place = markerPlace(curves, kind);
    return place === null ? [] : [{ kind, place }];
  });
  return (
    <ul className={styles['legend']}>
      {curves.healthyStd === null ? (
        <li>No β1 was posted with the run: the healthy normal is unknown.</li>
      ) : (
        <li>
          <svg width={22} height={8} aria-hidden>
            <path
              d="M0 4h22"
              stroke="var(--ok)"
              strokeWidth={1.5}
              strokeDasharray="4 3"
              fill="none"
            />
          </svg>
          healthy normal, std {formatNumber(curves.healthyStd)}
        </li>
      )}
      {markers.map(({ kind, place }) => (
        <li key={kind}>
          <svg width={6} height={14} aria-hidden>
            <path
              d="M3 0v14"
              stroke={MARKER_STYLES[kind].stroke}
              strokeWidth={1.4}
              strokeDasharray={MARKER_STYLES[kind].dash}
            />
          </svg>
          ±{kind === 'limit' ? formatFixed(place, 0) : formatFixed(place, 2)} {WORDS[kind]}
          {place >= axisLimit ? ', off this axis' : ''}
        </li>
      ))}
      {hasZeros ? (
        <li>
          <svg width={6} height={14} aria-hidden>
            <path d="M3 0v14" stroke="var(--accent)" strokeWidth={1.4} />
          </svg>
          exactly 0, in no bin
        </li>
      ) : null}
      {hasDip ? <li>dip ≥ 0.030 counts as two peaks</li> : null}
    </ul>
  );
}
