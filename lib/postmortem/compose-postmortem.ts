/**
 * A spike's postmortem from what was stored around it. Every sentence carries the numbers
 * that it was made from; none says that one thing caused another.
 */
import { isWallTime } from '../contract/wall-time';
import type { Change, Postmortem, PostmortemMover, Sentence } from '../contract/postmortem';
import { describeAttempts, courseOfAttempts } from './attempt-sentences';
import { findSkip } from './batches-to-skip';
import { describeBatch, describeChanges, findChanges } from './changes';
import { describeAftermath, describeCourse } from './course-sentences';
import {
  columnAt,
  finiteOrNull,
  layerName,
  layerSeries,
  riseOf,
  scalarAt,
  type PostmortemFacts,
} from './facts';
import { writeDecision } from './decision';
import { writeHeadline } from './headline';
import { describeLeadLag } from './lead-lag-sentence';
import { describeChance, describePrecursor, measureMover } from './precursor-sentences';
import { findRemedies } from './remedies';
import { checkRestarts } from './restart-checks';
import { describeRewind } from './rewind';
import { hasAttemptEnded } from './standing';
import { describeShapes, describeStagesBefore, describeStagesThrough } from './stage-sentences';
import { countWatchedSteps } from './watched-steps';

const MOST_MOVERS = 64;
const MOST_LEAD_LAG = 16;
/** Reported steps of the small heatmap before and from the rise on. */
const MOVER_COLUMNS = { before: 12, after: 8 } as const;
/** The timeline's least and most reported steps on either side of the spike. */
const MARGIN = { least: 20, most: 100 } as const;
/** A spike that never ends is shown for so many. */
const MOST_COLUMNS = 200;
const OPEN_COLUMNS = 60;

/** Of an RMS spike there is no loss that rose. */
const limitsOf = ({ spike }: PostmortemFacts): Sentence => ({
  kind: 'limits',
  text: `This says what came before ${spike.kind === 'rms_spike' ? 'RMS rose' : 'the loss rose'} and what came with it. It is association: it does not show what caused the spike.`,
  evidence: [],
});

export function composePostmortem(facts: PostmortemFacts): Postmortem {
  const { run, spike, attempts, columns } = facts;
  const changes = findChanges(facts);
  const range = chooseRange(facts);
  const moverSteps = chooseMoverSteps(facts);
  const optimizer = attempts.find(({ attempt }) => attempt === spike.attempt)?.optimizer;
  const ofKind = facts.spikes.filter(({ kind }) => kind === spike.kind);
  const sentences = writeSentences(facts, changes);
  const remedies = findRemedies(facts);
  const onsetSeconds = scalarAt(columns, 'wall_time', spike.onsetStep);
  return {
    run: {
      ...{ id: run.id, name: run.name, project: run.project },
      layerCount: run.layerNames.length,
    },
    optimizer: optimizer ?? { name: 'unknown' },
    spike,
    hasEnded: hasAttemptEnded(facts),
    place: {
      index:
        Math.max(
          0,
          ofKind.findIndex(({ id }) => id === spike.id),
        ) + 1,
      count: Math.max(1, ofKind.length),
    },
    onsetAt: isWallTime(onsetSeconds) ? new Date(onsetSeconds * 1000).toISOString() : null,
    ...range,
    headline: writeHeadline(facts),
    decision: writeDecision(facts, remedies),
    sentences,
    layerNames: namesInEvidence(facts, sentences),
    moverSteps,
    watchedSteps: countWatchedSteps(columns, riseOf(spike)),
    movers: chooseMovers(facts, moverSteps),
    moverCount: spike.moverCount ?? spike.firstMovers.length,
    attempts: courseOfAttempts(facts, range),
    leadLag: facts.leadLag
      .toSorted((a, b) => a.tail - b.tail || a.layer - b.layer)
      .slice(0, MOST_LEAD_LAG)
      .map((item) => ({ ...item, name: layerName(facts, item.layer) })),
    changes,
    remedies,
    rewind:
      spike.kind === 'outlier_batch' || spike.kind === 'rms_spike' ? null : describeRewind(facts),
    skip: findSkip(facts),
    restarts: checkRestarts(facts),
    notes: [...facts.notes],
  };
}

function writeSentences(facts: PostmortemFacts, changes: readonly Change[]): Sentence[] {
  return [
    describeCourse(facts),
    ...describePrecursor(facts),
    describeChance(facts),
    ...describeStagesBefore(facts),
    describeStagesThrough(facts),
    ...describeShapes(facts),
    describeLeadLag(facts),
    describeChanges(facts, changes),
    describeBatch(facts),
    ...describeAttempts(facts),
    describeAftermath(facts),
    limitsOf(facts),
  ].filter((sentence) => sentence !== null);
}

function namesInEvidence(
  facts: PostmortemFacts,
  sentences: readonly Sentence[],
): Record<string, string> {
  const layers = sentences.flatMap(({ evidence }) => evidence.flatMap(({ layer }) => layer ?? []));
  return Object.fromEntries(layers.map((layer) => [String(layer), layerName(facts, layer)]));
}

/** By lead, the longest first; with the same lead, the farthest from its median first. */
function chooseMovers(facts: PostmortemFacts, moverSteps: readonly number[]): PostmortemMover[] {
  const { spike, run, columns } = facts;
  return spike.firstMovers
    .map((mover) => ({ mover, ...measureMover(facts, mover) }))
    .sort((a, b) => b.mover.leadSteps - a.mover.leadSteps || factorOf(b) - factorOf(a))
    .slice(0, MOST_MOVERS)
    .map(({ mover, value, usual }) => {
      const series = layerSeries(columns, mover.metric, mover.layer);
      return {
        ...mover,
        name: layerName(facts, mover.layer),
        parameterCount: run.parameterCounts[mover.layer] ?? 1,
        value: finiteOrNull(value),
        usual: finiteOrNull(usual),
        recent: moverSteps.map((step) => finiteOrNull(series[columnAt(columns, step)] ?? NaN)),
      };
    });
}

const factorOf = ({ value, usual }: { readonly value: number; readonly usual: number }): number =>
  Number.isFinite(value) && usual > 0 ? value / usual : 0;

function chooseMoverSteps({ columns, spike }: PostmortemFacts): number[] {
  const rise = columnAt(columns, riseOf(spike));
  return columns.steps.slice(
    Math.max(0, rise - MOVER_COLUMNS.before),
    rise + MOVER_COLUMNS.after + 1,
  );
}

/** As much again on either side as the spike is long, by reported steps. */
function chooseRange({ columns, spike }: PostmortemFacts): { fromStep: number; toStep: number } {
  const rise = Math.max(0, columnAt(columns, riseOf(spike)));
  const last = columns.steps.length - 1;
  const end =
    spike.recoveredStep === null
      ? Math.max(rise, columnAt(columns, spike.peakStep ?? spike.onsetStep)) + OPEN_COLUMNS
      : columnAt(columns, spike.recoveredStep);
  const length = Math.min(Math.max(0, end - rise), MOST_COLUMNS);
  const margin = Math.min(Math.max(length, MARGIN.least), MARGIN.most);
  return {
    fromStep: columns.steps[Math.max(0, rise - margin)] ?? spike.onsetStep,
    toStep: columns.steps[Math.min(last, rise + length + margin)] ?? spike.onsetStep,
  };
}
