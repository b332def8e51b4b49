/**
 * Whether new settings really took effect after a restart: some trainers load the old ones
 * back from the checkpoint. RMS_t can never pass 1/√(1−β2), so one RMS above the cap of a
 * lower β2 proves that it is not in effect, and one above the old cap that a higher one is;
 * |r| beyond what the betas allow proves the same of either beta.
 */
import type { RestartCheck } from '../contract/postmortem';
import type { Optimizer } from '../contract/runs';
import { rmsCap } from '../stats/rms-cap';
import { formatFixed, formatPercent, formatSetting, formatStep } from '../view/text/format-number';
import { layerName, type AttemptExtremes, type PostmortemFacts } from './facts';

type Setting = 'beta1' | 'beta2' | 'epsilon' | 'weightDecay';
type Outcome = Pick<RestartCheck, 'outcome' | 'text' | 'evidence'>;

const NAMES: Readonly<Record<Setting, string>> = {
  beta1: 'β1',
  beta2: 'β2',
  epsilon: 'ε',
  weightDecay: 'weight decay',
};
const SETTINGS: readonly Setting[] = ['beta1', 'beta2', 'epsilon', 'weightDecay'];

/** float32 and the job's own rounding. */
const ROUNDING = 1.001;

/** One a changed setting of each restart; one that says so for a restart that changed nothing. */
export function checkRestarts(facts: PostmortemFacts): RestartCheck[] {
  const checks: RestartCheck[] = [];
  facts.attempts.forEach((newer, index) => {
    const older = facts.attempts[index - 1];
    if (older === undefined) return;
    const { attempt, resumeFromStep } = newer;
    const changed = SETTINGS.filter(
      (setting) => older.optimizer[setting] !== newer.optimizer[setting],
    );
    if (changed.length === 0) {
      checks.push({
        ...{ attempt, resumeFromStep, setting: 'none', outcome: 'cannot_tell', evidence: [] },
        text: `Attempt ${attempt}, from ${formatStep(resumeFromStep)}, reports the same betas, ε and weight decay as attempt ${older.attempt}. Where a restart was meant to change them, see that the checkpoint did not bring the old ones back.`,
      });
    }
    const extremes = facts.extremes.find((known) => known.attempt === attempt);
    for (const setting of changed) {
      const outcome = judge(facts, setting, older.optimizer, newer.optimizer, extremes);
      const change = `Attempt ${attempt}, from ${formatStep(resumeFromStep)}: ${NAMES[setting]} ${formatSetting(older.optimizer[setting] ?? null)} → ${formatSetting(newer.optimizer[setting] ?? null)}`;
      checks.push({
        ...{ attempt, resumeFromStep, setting, outcome: outcome.outcome },
        text: `${change}. ${outcome.text}`,
        evidence: outcome.evidence,
      });
    }
  });
  return checks;
}

function judge(
  facts: PostmortemFacts,
  setting: Setting,
  older: Optimizer,
  newer: Optimizer,
  extremes: AttemptExtremes | undefined,
): Outcome {
  const excess = extremes?.ratioExcess ?? null;
  if ((setting === 'beta1' || setting === 'beta2') && excess !== null && excess.value > 0) {
    return {
      outcome: 'not_in_effect',
      text: `Not in effect: at ${formatStep(excess.step)} |r| of ${layerName(facts, excess.layer)} was beyond what these betas allow in ${formatPercent(excess.value)} of coordinates.`,
      evidence: [{ ...excess, attempt: extremes?.attempt ?? 0 }],
    };
  }
  if (setting === 'beta2') return judgeBeta2(facts, older.beta2, newer.beta2, extremes);
  const text =
    setting === 'beta1'
      ? 'Nothing that was reported is beyond what it allows; that does not prove it.'
      : 'Nothing that is reported bounds it, so this cannot be seen from here.';
  return { outcome: 'cannot_tell', text, evidence: [] };
}

function judgeBeta2(
  facts: PostmortemFacts,
  older: number | undefined,
  newer: number | undefined,
  extremes: AttemptExtremes | undefined,
): Outcome {
  const rms = extremes?.rms ?? null;
  const unknown = (text: string): Outcome => ({ outcome: 'cannot_tell', text, evidence: [] });
  const cap = rmsCap(newer);
  if (cap === null) return unknown('It was not said what it is now.');
  if (rms === null) return unknown('RMS_t, whose cap would tell, was not reported.');
  const evidence = [{ ...rms, attempt: extremes?.attempt ?? 0 }];
  const highest = `RMS of ${layerName(facts, rms.layer)} was ${formatFixed(rms.value, 2)} at ${formatStep(rms.step)}`;
  if (rms.value > cap * ROUNDING) {
    return {
      outcome: 'not_in_effect',
      text: `Not in effect: ${highest}, and this β2 caps it at ${formatFixed(cap, 2)}.`,
      evidence,
    };
  }
  const oldCap = rmsCap(older);
  if (oldCap !== null && rms.value > oldCap * ROUNDING) {
    return {
      outcome: 'in_effect',
      text: `In effect: ${highest}, which the old β2 would have capped at ${formatFixed(oldCap, 2)}.`,
      evidence,
    };
  }
  return {
    outcome: 'cannot_tell',
    text: `Cannot be told yet: ${highest}, below the cap of either (${formatFixed(cap, 2)}${oldCap === null ? '' : ` and ${formatFixed(oldCap, 2)}`}).`,
    evidence,
  };
}
