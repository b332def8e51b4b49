import type { Alarm } from './detector-rules';
import type { LabelledSeries } from './labelled-series';

export interface Score {
  readonly found: number;
  readonly missed: number;
  readonly falseAlarms: number;
  readonly steps: number;
  /** Of the spikes found: distance of the onset, steps from it to the alarm, lead before it. */
  readonly onsetErrors: readonly number[];
  readonly delays: readonly number[];
  readonly leads: readonly number[];
}

/** An alarm farther from a spike's first step than this is about something else. */
const NEAR_STEPS = 10;
/** Alarms while a spike lasts are about it. */
const LASTING_STEPS = 50;

/**
 * Matches alarms to labels: each spike takes the nearest alarm within ten steps; further
 * alarms in the fifty steps after it, and near a label that may be either, do not count.
 */
export function scoreAlarms(alarms: readonly Alarm[], series: LabelledSeries): Score {
  const spacing = (series.points[1]?.step ?? 1) - (series.points[0]?.step ?? 0);
  const near = NEAR_STEPS * spacing;
  const taken = new Set<Alarm>();
  const matches = series.spikes.map((spike) => {
    const candidates = alarms.filter(
      (alarm) => !taken.has(alarm) && Math.abs(alarm.onset - spike) <= near,
    );
    const best = candidates.sort(
      (a, b) => Math.abs(a.onset - spike) - Math.abs(b.onset - spike),
    )[0];
    if (best !== undefined) taken.add(best);
    return best === undefined ? null : { spike, alarm: best };
  });
  const isAbout = (alarm: Alarm, label: number) =>
    alarm.onset >= label - near && alarm.onset <= label + LASTING_STEPS * spacing;
  const falseAlarms = alarms.filter(
    (alarm) =>
      !taken.has(alarm) &&
      ![...series.spikes, ...series.either].some((label) => isAbout(alarm, label)),
  );
  const found = matches.filter((match) => match !== null);
  return {
    found: found.length,
    missed: series.spikes.length - found.length,
    falseAlarms: falseAlarms.length,
    steps: series.points.length,
    onsetErrors: found.map(({ spike, alarm }) => Math.abs(alarm.onset - spike)),
    delays: found.map(({ spike, alarm }) => alarm.raisedAt - spike),
    leads: found.map(({ spike, alarm }) => Math.max(alarm.lead, spike - alarm.onset, 0)),
  };
}

export function addScores(scores: readonly Score[]): Score {
  const sum = (of: (score: Score) => number) =>
    scores.reduce((total, score) => total + of(score), 0);
  return {
    found: sum(({ found }) => found),
    missed: sum(({ missed }) => missed),
    falseAlarms: sum(({ falseAlarms }) => falseAlarms),
    steps: sum(({ steps }) => steps),
    onsetErrors: scores.flatMap(({ onsetErrors }) => onsetErrors),
    delays: scores.flatMap(({ delays }) => delays),
    leads: scores.flatMap(({ leads }) => leads),
  };
}
