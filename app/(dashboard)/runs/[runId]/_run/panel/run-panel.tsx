'use client';

import { useMemo } from 'react';
import type { Spike } from '@/lib/contract/reads';
import type { Run, RunEvent } from '@/lib/contract/runs';
import { describeMetric } from '@/lib/contract/standard-metrics';
import type { Warning } from '@/lib/contract/warnings';
import { prepareAtRisk, stageIndices } from '@/lib/view/outlook/at-risk';
import { prepareCurvature } from '@/lib/view/outlook/curvature-words';
import { describeExpectation } from '@/lib/view/outlook/expected-next';
import { readSchedule } from '@/lib/view/outlook/learning-rate-schedule';
import { describeRestart, prepareMitigations } from '@/lib/view/outlook/mitigations';
import { describePrecursors, describeRmsReach } from '@/lib/view/outlook/precursors';
import type { RunCondition } from '@/lib/view/outlook/run-condition';
import { newestPoint } from '@/lib/view/runs/run-figures';
import { settleSpikes } from '@/lib/view/spikes/recovery-words';
import { describeOpenNorm } from '@/lib/view/spikes/spike-movers';
import { countStages } from '@/lib/view/stages/stage-colours';
import { describeMissingLayers } from '@/lib/view/heatmap/missing-layers';
import { AtRiskSection } from './at-risk-section';
import { CurvatureSection } from './curvature-section';
import { ExpectationSection, RemediesSection } from './outlook-sections';
import { MissingLayersSection } from './missing-layers-section';
import type { RunData } from '../data/run-data';
import type { HappeningsState } from '../model/happenings-state';
import { ChangesSection, ConfigurationSection, EventsSection } from './side-panel';
import type { RecentLayers } from '../data/use-layer-changes';

/** What stands beside the heatmap: who is at risk, what comes next, what can be done. */
export function RunPanel({
  run,
  base,
  version,
  recent,
  spikes: foundSpikes,
  warnings,
  events,
  happeningsState,
  onRetry,
  layerNames,
  layerMetrics,
  isLossNonFinite,
  onGo,
  onNote,
}: {
  readonly run: Run;
  readonly base: RunData;
  /** Of `base`, which grows in place; a few times a second. */
  readonly version: number;
  readonly recent: RecentLayers | null;
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly events: readonly RunEvent[];
  readonly happeningsState: HappeningsState;
  /** Reads spikes, warnings, events and notes again. */
  readonly onRetry: () => void;
  readonly layerNames: readonly string[];
  readonly layerMetrics: readonly string[];
  readonly isLossNonFinite: boolean;
  readonly onGo: (step: number) => void;
  readonly onNote: () => void;
}) {
  const spikes = useMemo(() => settleSpikes(foundSpikes, run), [foundSpikes, run]);
  const figuresOf = useMemo(
    () => ({
      stability: newestPoint(base.stabilityRatio.columns),
      schedule: readSchedule(base.columns.toStep, base.columns.scalar('learning_rate')),
    }),
    // The series grow in place; their version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [base, version],
  );
  const newestStep = recent?.newestStep ?? base.columns.newestStep;
  const condition = useMemo<RunCondition | null>(
    () =>
      newestStep === null
        ? null
        : {
            newestStep,
            isLossNonFinite,
            optimizer: run.attempts.at(-1)?.optimizer ?? run.optimizer,
            attempts: run.attempts,
            spikes,
            events,
            warnings,
            layers: recent?.layers ?? [],
            figures: recent?.figures ?? { rms: [], belowEpsilon: [], ratioDip: [] },
            ...figuresOf,
            tenfoldCount: recent?.changes.tenfoldCount ?? null,
            layerNames,
          },
    [newestStep, isLossNonFinite, run, spikes, events, warnings, recent, figuresOf, layerNames],
  );
  const shares = useMemo(
    () => countStages(stageIndices(recent?.layers ?? [], run.layerCount)),
    [recent, run.layerCount],
  );
  const missing = describeMissingLayers(run, layerMetrics);
  const isKnown =
    condition !== null &&
    happeningsState.kind === 'read' &&
    (recent !== null || run.layerCount === 0);
  const changes =
    missing === null ? (
      <ChangesSection
        run={run}
        recent={recent}
        layerNames={layerNames}
        hasGradientNorm={layerMetrics.includes('gradient_norm')}
        missingStageInputs={
          shares === null ? run.missingStageInputs.map((name) => describeMetric(name).label) : []
        }
        note={describeOpenNorm(spikes)}
      />
    ) : (
      <MissingLayersSection missing={missing} />
    );
  return (
    <>
      {shares === null ? changes : null}
      {recent === null || shares === null ? null : (
        <AtRiskSection
          runId={run.id}
          view={prepareAtRisk(
            recent.layers,
            recent.newestStep,
            layerNames,
            recent.figures.rms,
            recent.changes,
          )}
          shares={shares}
          newestStep={recent.newestStep}
          layerCount={run.layerCount}
        />
      )}
      {isKnown ? (
        <>
          <ExpectationSection
            precursors={describePrecursors(condition)}
            rmsReach={describeRmsReach(condition)}
            expectation={describeExpectation(condition)}
          />
          <RemediesSection
            mitigations={prepareMitigations(condition)}
            restart={describeRestart(condition)}
          />
        </>
      ) : null}
      <EventsSection
        runId={run.id}
        events={events}
        spikes={foundSpikes}
        warnings={warnings}
        state={happeningsState}
        onRetry={onRetry}
        onGo={onGo}
        onNote={onNote}
      />
      {shares === null ? null : changes}
      <CurvatureSection view={prepareCurvature(figuresOf.stability, warnings)} />
      <ConfigurationSection run={run} />
    </>
  );
}
