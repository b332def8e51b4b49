/** What a storage policy has let go of a run, in words. */
import type { GapsReply } from '../../contract/retention';
import { formatStep } from '../text/format-number';
import { formatDay, readersZone, type ZoneOffset } from '../text/wall-time';

export type GoneSteps = GapsReply['items'][number];

/** Steps `fromStep`…`toStep`, inclusive. */
interface Steps {
  readonly fromStep: number;
  readonly toStep: number;
}

/** The ranges of a kind that meet the steps, ascending. */
function goneWithin(
  gaps: GapsReply | null,
  kind: GoneSteps['kind'],
  { fromStep, toStep }: Steps,
): readonly GoneSteps[] {
  return (gaps?.items ?? [])
    .filter((gap) => gap.kind === kind && gap.fromStep <= toStep && gap.toStep >= fromStep)
    .toSorted((a, b) => a.fromStep - b.fromStep);
}

export const isGoneAt = (gaps: GapsReply | null, kind: GoneSteps['kind'], step: number): boolean =>
  goneWithin(gaps, kind, { fromStep: step, toStep: step }).length > 0;

const DAYS_OF_KIND = {
  raw: 'keepRawDays',
  distributions: 'keepDistributionsDays',
  samples: 'keepSamplesDays',
} as const;

/** " They were received by 24 Sep 2026, and project demo keeps them for 30 days." */
function because(
  { project, policy }: GapsReply,
  kind: GoneSteps['kind'],
  gone: readonly GoneSteps[],
  zone: ZoneOffset,
): string {
  const days = policy[DAYS_OF_KIND[kind]];
  const rule =
    days === null
      ? `an earlier policy of project ${project} let them go`
      : `project ${project} keeps them for ${days} ${days === 1 ? 'day' : 'days'}`;
  const times = gone.flatMap(({ receivedTo }) =>
    receivedTo === null ? [] : Date.parse(receivedTo),
  );
  if (times.length === 0) return ` ${rule.charAt(0).toUpperCase()}${rule.slice(1)}.`;
  return ` They were received by ${formatDay(Math.max(...times) / 1000, zone)}, and ${rule}.`;
}

const RANGES_NAMED = 3;

/** "832–1 663", "832–1 663, 2 112–2 303 and 4 more ranges". */
function rangeList(gone: readonly GoneSteps[]): string {
  const named = gone
    .slice(0, RANGES_NAMED)
    .map(({ fromStep, toStep }) => `${formatStep(fromStep)}–${formatStep(toStep)}`)
    .join(', ');
  const more = gone.length - RANGES_NAMED;
  return more > 0 ? `${named} and ${more} more ${more === 1 ? 'range' : 'ranges'}` : named;
}

/** Of the single values of layers in the steps; null where all are there. */
export function describeGoneValues(
  gaps: GapsReply | null,
  steps: Steps,
  zone: ZoneOffset = readersZone,
): string | null {
  const gone = goneWithin(gaps, 'raw', steps);
  if (gaps === null || gone.length === 0) return null;
  return `The single values of steps ${rangeList(gone)} are gone; the lowest, highest and mean of every 16 steps stay.${because(gaps, 'raw', gone, zone)}`;
}

/** Of the distributions in the steps; null where none went. Those around spikes are kept. */
export function describeGoneDistributions(
  gaps: GapsReply | null,
  steps: Steps,
  zone: ZoneOffset = readersZone,
): string | null {
  const gone = goneWithin(gaps, 'distributions', steps);
  if (gaps === null || gone.length === 0) return null;
  return `Distributions of steps ${rangeList(gone)} are gone where no spike was near.${because(gaps, 'distributions', gone, zone)}`;
}
