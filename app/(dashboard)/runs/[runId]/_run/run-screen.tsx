'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Incident } from '@/lib/contract/incidents';
import type { Spike } from '@/lib/contract/reads';
import type { Run, RunEvent, RunMetrics } from '@/lib/contract/runs';
import type { Warning } from '@/lib/contract/warnings';
import { stageIndices } from '@/lib/view/outlook/at-risk';
import { applyColourRange } from '@/lib/view/colours/colour-range';
import { formatCount } from '@/lib/view/text/format-number';
import { describeMissingLayers } from '@/lib/view/heatmap/missing-layers';
import { chooseMetric, prepareMetricOptions } from '@/lib/view/heatmap/metric-options';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { lossFigures } from '@/lib/view/runs/run-figures';
import { countStages } from '@/lib/view/stages/stage-colours';
import { RunIncidents } from '@/app/_components/alerts/run-incidents';
import { ErrorState } from '@/app/_components/states';
import { runCrumbs } from '@/app/_components/run-crumbs';
import { TopBar } from '@/app/_components/top-bar';
import { useMedia } from '@/app/_hooks/use-media';
import { useTheme } from '@/app/_hooks/use-theme';
import { useThrottled } from '@/app/_hooks/use-throttled';
import { EmptyRun } from './empty-run';
import { LiveBanner, LiveStatus } from './bars/live-status';
import { MarksLegend } from './bars/marks-legend';
import { PhoneTabPage, PhoneTabs } from './phone-tabs';
import { PhoneTools, RunBody } from './run-body';
import { RunNote } from './bars/run-note';
import { RunPanel } from './panel/run-panel';
import { RunReadOut } from './bars/run-read-out';
import { RunScale } from './scale/run-scale';
import { RunToolbar, type Layout } from './bars/run-toolbar';
import { RunVerdictLine } from './bars/run-verdict-line';
import { useLayerChanges } from './data/use-layer-changes';
import type { HappeningsState } from './model/happenings-state';
import { useLayerRows } from './model/use-layer-rows';
import { usePageSearch } from './model/use-page-search';
import { usePlotKeys } from './plot/use-plot-keys';
import { usePlotModel } from './model/use-plot-model';
import { useRunSession } from './data/use-run-session';
import { FITTED_COLOURS, useRunViewState } from './model/use-run-view-state';
import styles from './run-screen.module.css';

/** Below this width the page is the phone's. */
const NARROW = '(max-width: 719px)';
/** What stands beside the plots follows the data so often. */
const PANEL_MS = 250;

/** A run: verdict, timelines and heatmap under one crosshair, and what stands beside them. */
export function RunScreen({
  run,
  metrics,
  spikes: storedSpikes,
  warnings,
  events,
  happeningsState,
  incidents,
  onRunChanged,
  onMetricsChanged,
  onHappening,
}: {
  readonly run: Run;
  readonly metrics: RunMetrics;
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly events: readonly RunEvent[];
  readonly happeningsState: HappeningsState;
  /** Of alert rules, the newest first. */
  readonly incidents: readonly Incident[];
  readonly onRunChanged: () => void;
  readonly onMetricsChanged: () => void;
  readonly onHappening: () => void;
}) {
  const theme = useTheme();
  const isNarrow = useMedia(NARROW);
  const { state, setWindow, undoWindow, set } = useRunViewState();
  const spikes = useMemo(() => storedSpikes.map(refineSpike), [storedSpikes]);
  const rows = useLayerRows(run, spikes, state);
  const { names } = rows;

  const options = useMemo(() => prepareMetricOptions(metrics.layerMetrics), [metrics.layerMetrics]);
  const option = chooseMetric(options, state.metricKey);
  // Stages are names: of several the worst is shown, whatever is chosen for values.
  const shows = option?.scale === 'categorical' ? 'highest' : state.shows;
  const { session, snapshot } = useRunSession(run, option, shows, onRunChanged, onHappening);
  useEffect(() => session.showWindow(state.window), [session, state.window, snapshot.phase]);
  const scale = useMemo(
    () => applyColourRange(snapshot.scale, state.colourRange),
    [snapshot.scale, state.colourRange],
  );

  // The first frames bring the first metrics.
  const { base } = snapshot;
  const hasColumns = base.columns.columnCount > 0;
  const lacksMetrics = hasColumns && metrics.layerMetrics.length + metrics.scalars.length === 0;
  useEffect(() => {
    if (lacksMetrics) onMetricsChanged();
  }, [lacksMetrics, onMetricsChanged]);

  const [isWriting, setIsWriting] = useState(false);
  const hasLayerMetrics = metrics.layerMetrics.length > 0;
  // The paper lays layers side by side: without any there is nothing to lay.
  const layout: Layout = isNarrow || !hasLayerMetrics ? 'steps-right' : state.layout;
  const plots = usePlotModel({
    run,
    snapshot,
    option,
    spikes,
    warnings,
    events,
    incidents,
    names,
    layerOfRow: rows.layerOfRow,
    groups: rows.groups,
    window: state.window,
    layout,
    view: state,
    metrics,
    scale,
    theme,
    onWindow: setWindow,
    onChange: set,
  });
  const { model } = plots;
  const onLayout = useCallback(
    (next: Layout) => set({ layout: next === 'paper' ? 'paper' : null }),
    [set],
  );
  usePlotKeys({
    runId: run.id,
    model,
    layout,
    onLayout,
    onUndo: undoWindow,
    onShows: (next) => set({ column: next === 'highest' ? null : next, ...FITTED_COLOURS }),
  });

  const recent = useLayerChanges(run.id, base.columns, metrics.layerMetrics);
  const stages = useMemo(() => {
    const indices = stageIndices(recent?.layers ?? [], run.layerCount);
    return countStages(indices) === null ? null : indices;
  }, [recent, run.layerCount]);

  const slowVersion = useThrottled(base.version, PANEL_MS);
  const figures = useMemo(
    () => lossFigures(base.loss.columns),
    // The series grow in place; their version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [base, slowVersion],
  );
  const newestStep = base.columns.newestStep ?? figures.newestStep;
  const isRunning = run.status === 'running';
  const search = usePageSearch({
    runId: run.id,
    layerNames: names,
    options,
    window: state.window,
    onMetric: useCallback((key: string) => set({ metric: key, ...FITTED_COLOURS }), [set]),
    onWindow: setWindow,
    onGo: model.onGo,
  });

  const scaleBar = (
    <RunScale
      model={model}
      session={session}
      view={state}
      set={set}
      version={slowVersion}
      theme={theme}
      isNarrow={isNarrow}
    />
  );
  const readOut = (
    <RunReadOut
      run={run}
      store={model.crosshair}
      columns={model.columns}
      version={model.version}
      option={option}
      layerNames={names}
      storedMetrics={metrics.layerMetrics}
      comparison={model.comparison}
      isNarrow={isNarrow}
    />
  );

  return (
    <div className={styles['screen']}>
      <TopBar
        crumbs={runCrumbs(run)}
        note={`attempt ${run.attempt}`}
        status={<LiveStatus run={run} snapshot={snapshot} />}
        search={search}
      />
      <LiveBanner snapshot={snapshot} newestStep={newestStep} onReconnect={session.reconnect} />
      <RunVerdictLine
        run={run}
        snapshot={snapshot}
        figures={figures}
        newestStep={newestStep}
        spikes={spikes}
        warnings={warnings}
        window={state.window}
        changes={hasLayerMetrics ? (recent?.changes ?? null) : null}
        layerNames={names}
      />
      <RunIncidents runId={run.id} incidents={incidents} />
      {snapshot.phase === 'ready' && newestStep === null ? (
        <main className={styles['whole']}>
          <EmptyRun run={run} />
        </main>
      ) : snapshot.phase === 'failed' ? (
        <main className={styles['whole']}>
          <ErrorState
            title="The steps of this run could not be read."
            message={snapshot.error?.message ?? ''}
            onRetry={session.retry}
          />
        </main>
      ) : isNarrow && state.tab !== 'run' ? (
        <main className={styles['whole']}>
          <PhoneTabPage
            tab={state.tab}
            run={run}
            names={names}
            spikes={spikes}
            warnings={warnings}
            events={events}
            happeningsState={happeningsState}
            onRetry={onHappening}
            missing={describeMissingLayers(run, metrics.layerMetrics)}
            newestStep={newestStep}
            onGo={model.onGo}
            onNote={() => setIsWriting(true)}
          />
        </main>
      ) : (
        <>
          {isNarrow ? null : (
            <section className={styles['toolbar']} aria-label="View">
              <RunToolbar
                options={options}
                option={option}
                run={run}
                view={state}
                set={set}
                filterError={rows.filterError}
                layout={layout}
                onLayout={onLayout}
                shownWindow={plots.shownWindow}
                newerSteps={plots.newerSteps}
                isRunning={isRunning}
                onWindow={setWindow}
              />
              {scaleBar}
              <MarksLegend
                marks={hasLayerMetrics ? state.marks : []}
                hasStages={run.missingStageInputs.length === 0}
                hasMovers={spikes.some(({ firstMovers }) => firstMovers.length > 0)}
              />
            </section>
          )}
          <RunBody
            plots={plots}
            layout={layout}
            stages={stages}
            isNarrow={isNarrow}
            phone={
              isNarrow ? (
                <>
                  {option === null ? null : (
                    <PhoneTools
                      run={run}
                      view={state}
                      onAxisUnit={model.onAxisUnit}
                      scale={scaleBar}
                      options={options}
                      option={option}
                      set={set}
                      isZoomed={state.window !== null}
                      isRunning={isRunning}
                      onWhole={() => setWindow(null)}
                    />
                  )}
                  {readOut}
                </>
              ) : null
            }
            panel={
              <RunPanel
                run={run}
                base={base}
                version={slowVersion}
                recent={recent}
                spikes={spikes}
                warnings={warnings}
                events={events}
                happeningsState={happeningsState}
                onRetry={onHappening}
                layerNames={names}
                layerMetrics={metrics.layerMetrics}
                isLossNonFinite={figures.isNewestNonFinite}
                onGo={model.onGo}
                onNote={() => setIsWriting(true)}
              />
            }
          />
          {isNarrow ? null : readOut}
        </>
      )}
      <RunNote
        runId={run.id}
        layerNames={names}
        crosshair={model.crosshair}
        window={state.window}
        newestStep={newestStep}
        isOpen={isWriting}
        onOpen={() => setIsWriting(true)}
        onKept={onHappening}
        onClose={() => setIsWriting(false)}
      />
      {isNarrow ? (
        <PhoneTabs
          tab={state.tab}
          spikeCount={formatCount(spikes.length)}
          hasLayers={hasLayerMetrics}
          onTab={(tab) => set({ tab: tab === 'run' ? null : tab })}
        />
      ) : null}
    </div>
  );
}
