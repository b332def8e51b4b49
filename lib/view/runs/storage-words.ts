/** What a project keeps, and what its policy would let go, in words and fields. */
import type { ProjectPolicy } from '../../contract/project-policy';
import type { RetentionReply } from '../../contract/retention';
import { formatStep } from '../text/format-number';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Three figures at most, in powers of a thousand: "3.1 GB". */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

export interface PolicyField {
  readonly name: keyof ProjectPolicy;
  readonly label: string;
}

export const POLICY_FIELDS: readonly PolicyField[] = [
  { name: 'keepRawDays', label: 'Keep values of layers' },
  { name: 'keepDistributionsDays', label: 'Keep histograms' },
  { name: 'keepSamplesDays', label: 'Keep raw samples' },
  { name: 'roundAfterDays', label: 'Round values to three digits after' },
];

/** As they are typed; empty for null. */
export type PolicyTexts = Readonly<Record<keyof ProjectPolicy, string>>;

export function toPolicyTexts(policy: ProjectPolicy): PolicyTexts {
  const text = (days: number | null): string => (days === null ? '' : String(days));
  return {
    keepRawDays: text(policy.keepRawDays),
    keepDistributionsDays: text(policy.keepDistributionsDays),
    keepSamplesDays: text(policy.keepSamplesDays),
    roundAfterDays: text(policy.roundAfterDays),
  };
}

const MOST_DAYS = 36_500;

/** The policy that was typed, or the first field that is none and what is wrong with it. */
export function parsePolicyTexts(
  texts: PolicyTexts,
):
  | { readonly kind: 'policy'; readonly policy: ProjectPolicy }
  | { readonly kind: 'fault'; readonly field: keyof ProjectPolicy; readonly message: string } {
  const days = (text: string): number | null => (text.trim() === '' ? null : Number(text));
  for (const { name, label } of POLICY_FIELDS) {
    const value = days(texts[name]);
    const isRight = value === null || (Number.isInteger(value) && value >= 1 && value <= MOST_DAYS);
    if (isRight) continue;
    const message = `${label}: expected whole days from 1 to ${formatStep(MOST_DAYS)}, or nothing.`;
    return { kind: 'fault', field: name, message };
  }
  return {
    kind: 'policy',
    policy: {
      keepRawDays: days(texts.keepRawDays),
      keepDistributionsDays: days(texts.keepDistributionsDays),
      keepSamplesDays: days(texts.keepSamplesDays),
      roundAfterDays: days(texts.roundAfterDays),
    },
  };
}

export interface RetentionWords {
  readonly headline: string;
  /** What goes, one line a kind. */
  readonly lines: readonly string[];
}

/** Of a dry run. */
export function describeRetention({
  policy,
  sizeBytes,
  freedBytes,
  runs,
  ...amounts
}: RetentionReply): RetentionWords {
  const size = formatBytes(sizeBytes);
  if (freedBytes === 0) return { headline: `Nothing would go. It takes ${size}.`, lines: [] };
  const line = (what: string, steps: number, days: number | null): string[] =>
    steps === 0 || days === null
      ? []
      : [
          `${what} of ${formatStep(steps)} ${steps === 1 ? 'step' : 'steps'} older than ${days} ${days === 1 ? 'day' : 'days'}`,
        ];
  const places = runs.length === 1 ? 'one run' : `${runs.length} runs`;
  return {
    headline: `Would free ${formatBytes(freedBytes)} of ${size}, in ${places}:`,
    lines: [
      ...line('values of layers', amounts.raw.steps, policy.keepRawDays),
      ...line('histograms', amounts.distributions.steps, policy.keepDistributionsDays),
      ...line('raw samples', amounts.samples.steps, policy.keepSamplesDays),
    ],
  };
}
