/** The rules of the stage machine in words, beside the numbers that they saw. */
import { STAGE_THRESHOLDS, type StageEvidence } from '../../contract/stages';
import { formatFixed, formatNumber, formatPercent } from '../text/format-number';

/** One number of a rule beside what the rule asks of it. */
export interface StageCondition {
  readonly label: string;
  readonly value: string;
  /** "≥ 50 %". */
  readonly asked: string;
}

export interface StageRule {
  readonly because: string;
  readonly conditions: readonly StageCondition[];
}

const T = STAGE_THRESHOLDS;

const number = (value: number | null): string => formatNumber(value);
const dip = (value: number | null): string => formatFixed(value, 3);
const cosine = (value: number | null): string => formatFixed(value, 2);
const share = (value: number | null): string => formatPercent(value);

function relativeWidth(std: number | null, { healthyStd }: StageEvidence): number | null {
  return std === null || healthyStd === null || healthyStd <= 0 ? null : std / healthyStd;
}

const belowEpsilon = (e: StageEvidence, asked: string): StageCondition => ({
  label: '√v < ε',
  value: share(e.secondMomentBelowEpsilonFraction),
  asked,
});
const widthOfUpdate = (e: StageEvidence, asked: string): StageCondition => ({
  label: 'width of u to healthy',
  value: share(relativeWidth(e.updateStd, e)),
  asked,
});
const widthOfRatio = (e: StageEvidence, asked: string): StageCondition => ({
  label: 'width of r to healthy',
  value: share(relativeWidth(e.ratioStd, e)),
  asked,
});
const dipOfRatio = (e: StageEvidence, asked: string): StageCondition => ({
  label: 'dip of r',
  value: dip(e.ratioDip),
  asked,
});
const smoothedCosine = (e: StageEvidence, asked: string): StageCondition => ({
  label: 'lag-1 cosine, smoothed',
  value: cosine(e.gradientCosine),
  asked,
});
const jump = (e: StageEvidence): StageCondition => ({
  label: 'jump of the gradient',
  value: e.gradientJumpDecades === null ? '–' : `${formatFixed(e.gradientJumpDecades, 2)} dec`,
  asked: `≥ ${formatFixed(T.jumpDecades, 0)} decade`,
});
const lossEvent = (e: StageEvidence, asked: string): StageCondition => ({
  label: 'loss event',
  value: e.lossDisturbed === 1 ? 'open' : 'closed',
  asked,
});

/** The rule by which a layer comes from `before` into `stage`; thresholds as the machine has them. */
export function ruleOf(stage: string, before: string | null, e: StageEvidence): StageRule {
  const wasCollapsed =
    before === 'update_collapsed' || before === 'correlating' || before === 'armed';
  switch (stage) {
    case 'healthy':
      if (wasCollapsed) {
        return {
          because: 'ε lets go of the update',
          conditions: [
            belowEpsilon(e, `< ${share(T.releasedShare)}, or`),
            widthOfUpdate(e, `> ${share(T.releasedWidth)}`),
          ],
        };
      }
      if (before === 'gradients_vanish') {
        return { because: 'gradients came back above ε', conditions: [gradient(e, 'above')] };
      }
      if (before === 'recovering' || before === 'diverged') {
        return {
          because: `${T.recoverySteps} steps have passed since the loss event closed`,
          conditions: [],
        };
      }
      return {
        because: 'all that stages are made of is known, and nothing asks for another',
        conditions: [
          gradient(e, 'above'),
          belowEpsilon(e, `< ${share(T.collapsedShare)}, or`),
          widthOfUpdate(e, `≥ ${share(T.collapsedWidth)}`),
        ],
      };
    case 'gradients_vanish':
      return {
        because: 'gradients are smaller than ε, which most of v is not yet',
        conditions: [gradient(e, 'below'), belowEpsilon(e, `< ${share(T.collapsedShare)}`)],
      };
    case 'update_collapsed':
      if (before === 'correlating') {
        return {
          because: 'gradients lost their direction again',
          conditions: [smoothedCosine(e, `< ${cosine(T.uncorrelatedCosine)}`)],
        };
      }
      if (before === 'armed') {
        return {
          because: 'r has one peak again, without a spike',
          conditions: [
            dipOfRatio(e, `< ${dip(T.onePeakDip)}`),
            smoothedCosine(e, `< ${cosine(T.uncorrelatedCosine)}`),
          ],
        };
      }
      if (before === 'trigger') {
        return {
          because: `the jump was over after ${T.quietToLeaveTrigger} samples and the loss did not follow`,
          conditions: [dipOfRatio(e, `< ${dip(T.twoPeaksDip)}`)],
        };
      }
      return {
        because: 'ε holds the update down',
        conditions: [
          belowEpsilon(e, `≥ ${share(T.collapsedShare)}`),
          widthOfUpdate(e, `< ${share(T.collapsedWidth)}`),
        ],
      };
    case 'correlating':
      return before === 'armed'
        ? {
            because: 'r has one peak again, and gradients still point one way',
            conditions: [
              dipOfRatio(e, `< ${dip(T.onePeakDip)}`),
              smoothedCosine(e, `≥ ${cosine(T.uncorrelatedCosine)}`),
            ],
          }
        : {
            because: 'gradients point the same way from step to step',
            conditions: [smoothedCosine(e, `≥ ${cosine(T.correlatedCosine)}`)],
          };
    case 'armed':
      return {
        because:
          before === 'trigger'
            ? 'the jump is over, and r still has two peaks'
            : 'r has two peaks, which ε holds down',
        conditions: [
          dipOfRatio(e, `≥ ${dip(T.twoPeaksDip)}`),
          widthOfUpdate(e, `≤ ${share(T.releasedWidth)}`),
        ],
      };
    case 'trigger':
      return {
        because: `the gradient jumped to ${formatNumber(e.gradientJumpDecades === null ? null : 10 ** e.gradientJumpDecades)} times the median of its last 64`,
        conditions: [jump(e)],
      };
    case 'explosion':
      return {
        because: 'u has the two peaks and the width of r: whole steps in one direction',
        conditions: [
          { label: 'dip of u', value: dip(e.updateDip), asked: `≥ ${dip(T.twoPeaksDip)}` },
          {
            label: 'std u against r',
            value:
              e.updateStd === null || e.ratioStd === null || e.ratioStd <= 0
                ? '–'
                : `${share(Math.abs(e.updateStd - e.ratioStd) / e.ratioStd)} apart`,
            asked: `< ${share(T.explosionGap)}`,
          },
        ],
      };
    case 'decorrelating':
      return {
        because: 'r has one peak again while the loss is still disturbed',
        conditions: [dipOfRatio(e, `< ${dip(T.onePeakDip)}`), lossEvent(e, 'open')],
      };
    case 'recovering':
      return { because: 'the loss event closed', conditions: [lossEvent(e, 'closed')] };
    case 'diverged':
      return {
        because: 'the loss event closed without a recovery',
        conditions: [lossEvent(e, 'closed')],
      };
    default:
      return describeUnknown(e);
  }
}

function gradient(e: StageEvidence, side: 'above' | 'below'): StageCondition {
  const asked = side === 'above' ? '≥' : '<';
  return {
    label: 'RMS of the gradient',
    value: number(e.gradientRms),
    asked: `${asked} ε ${number(e.epsilon)}`,
  };
}

const NEEDED: readonly (readonly [keyof StageEvidence, string])[] = [
  ['gradientRms', 'gradient norm'],
  ['epsilon', 'ε of the optimizer'],
  ['healthyStd', 'β1 of the optimizer'],
  ['secondMomentBelowEpsilonFraction', 'share √v < ε'],
  ['updateStd', 'std u'],
  ['ratioStd', 'std r'],
  ['updateDip', 'dip of u'],
  ['ratioDip', 'dip of r'],
  ['gradientCosine', 'lag-1 cosine'],
];

function describeUnknown(e: StageEvidence): StageRule {
  const missing = NEEDED.filter(([name]) => e[name] === null).map(([, words]) => words);
  return {
    because:
      missing.length === 0
        ? 'hardly any coordinate of this layer ever gets a gradient'
        : `these are not known: ${missing.join(', ')}`,
    conditions: [],
  };
}

/** What a label beside the stage was given for. */
export function conditionsOfLabel(label: string, e: StageEvidence): readonly StageCondition[] {
  const rms = {
    label: 'RMS',
    value: formatFixed(e.rms, 2),
    asked: `< ${formatFixed(T.staleRms, 1)}: v`,
  };
  switch (label) {
    case 'stale_v':
      return [
        widthOfRatio(e, `< ${share(T.staleRatioWidth)}`),
        widthOfUpdate(e, `< ${share(T.staleUpdateWidth)}`),
        rms,
      ];
    case 'oscillating_gradient':
      return [
        widthOfRatio(e, `< ${share(T.staleRatioWidth)}`),
        smoothedCosine(e, `< ${cosine(T.turningCosine)}`),
      ];
    case 'single_burst':
    case 'benign_gradient_spike':
    case 'gradient_spike':
      return [jump(e)];
    case 'structural_zeros':
      return [
        {
          label: 'never a gradient',
          value: share(e.structuralZeroFraction),
          asked: 'left out',
        },
      ];
    default:
      return [];
  }
}
