import type { ReferenceCurves } from '@/lib/contract/reads';
import {
  DRIFT_CHOICES,
  parseDrift,
  type ChosenDrift,
  type prepareCorrelatedReference,
} from '@/lib/view/layer/correlated-reference';
import { formatSetting } from '@/lib/view/text/format-number';
import { SelectMenu } from '@/app/_components/select-menu';
import { CurveLegend, LineSample } from './curve-legend';
import { CURVE_STYLES } from './distribution-chart';
import { Explained } from './explained';
import { setDrift } from '../model/use-layer-url';

const CORRELATED_MEANING =
  'What u and r look like where every gradient is a steady drift ±ρ under noise of variance 1: two normals around ±ρ/√(1+ρ²). The lag-1 cosine is then ρ²/(1+ρ²); both must tell the same story.';

/** What is drawn in the panels, and whether the correlated reference is. */
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
    <CurveLegend {...{ curves, axisLimit, hasZeros, hasDip }}>
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
    </CurveLegend>
  );
}
