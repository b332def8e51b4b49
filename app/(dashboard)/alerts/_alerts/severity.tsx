import type { AlertSeverity } from '@/lib/contract/alert-rules';
import { severityLabel } from '@/lib/view/alerts/alert-condition';

const COLOURS: Readonly<Record<AlertSeverity, string>> = {
  page: 'var(--loss-spike)',
  warn: 'var(--outlier-batch)',
  note: 'var(--text2)',
};

export const severityColour = (severity: AlertSeverity): string => COLOURS[severity];

/** How loud, as its word; the colour only helps to find it. */
export function SeverityWord({
  severity,
  isQuiet = false,
}: {
  readonly severity: AlertSeverity;
  /** Of what is over: no colour. */
  readonly isQuiet?: boolean;
}) {
  return (
    <strong
      style={{ color: isQuiet ? 'var(--text2)' : severityColour(severity), fontWeight: 600 }}
      data-severity={severity}
    >
      {severityLabel(severity)}
    </strong>
  );
}
