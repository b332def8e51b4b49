'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Spike } from '@/lib/contract/reads';
import type { Run, RunEvent, RunMetrics } from '@/lib/contract/runs';
import type { Warning } from '@/lib/contract/warnings';
import { applyColourRange, formatColourRange } from '@/lib/view/colour-range';
import { stageIndices } from '@/lib/view/at-risk';
import { formatCount, formatNumber, formatSetting, formatStep } from '@/lib/view/format-number';
import { collapseGroups, groupByLabel, groupLayers } from '@/lib/view/layer-groups';
import { layerTypes } from '@/lib/view/layer-types';
import { shortLayerNames } from '@/lib/view/layer-names';
import { chooseMetric, prepareMetricOptions } from '@/lib/view/metric-options';
import { refineSpike } from '@/lib/view/refined-spike';
import { lossFigures, newestScalar, stepsPerSecond } from '@/lib/view/run-figures';
import { prepareRunVerdict, spikeInWindow } from '@/lib/view/run-verdict';
import { scalarLabel } from '@/lib/view/scalar-label';
import { firstMoverSteps, leadOfSpike } from '@/lib/view/spike-movers';
import { countStages } from '@/lib/view/stage-colours';
import { selectLayers } from '@/lib/view/select-layers';
import type { PageSearch } from '@/app/_components/search-palette';
import { Button } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import type { StepWindow } from '@/lib/view/step-axis';
import { ErrorState } from '@/app/_components/states';
import { TopBar } from '@/app/_components/top-bar';
import { VerdictLine, type VerdictFact } from '@/app/_components/verdict-line';
import { colourOfMark, Mark } from '@/app/_design/marks';
import { useMedia } from '@/app/_hooks/use-media';
import { useNow } from '@/app/_hooks/use-now';
import { useTheme } from '@/app/_hooks/use-theme';
import { useThrottled } from '@/app/_hooks/use-throttled';
import { ColourScaleBar } from './colour-scale-bar';
import { EmptyRun } from './empty-run';
import { LiveBanner, LiveStatus, statusOf } from './live-status';
import { Overview } from './overview';
import { PaperPlot } from './paper-plot';
import { PhoneTabs, PhoneTabPage } from './phone-tabs';
import { RunPanel } from './run-panel';
import { RunReadOut } from './run-read-out';
import { RunToolbar, type Layout } from './run-toolbar';
import { Shortcuts } from './shortcuts';
import { StageLegend } from './stage-legend';
import { StepsRightPlot } from './steps-right-plot';
import { useLayerChanges } from './use-layer-changes';
import { usePlotKeys } from './use-plot-keys';
import { usePlotModel } from './use-plot-model';
import { useRunSession } from './use-run-session';
import { FIRST_SCALAR, useRunViewState } from './use-run-view-state';
import styles from './run-screen.module.css';

const NO_MOVERS: ReadonlyMap<number, number> = new Map();

/** Below this width the page is the phone's. */
const NARROW = '(max-width: 719px)';

/** A run: verdict, timelines and heatmap under one crosshair, and what stands beside them. */
export function RunScreen({
  run,
  metrics,
  spikes: storedSpikes,
  warnings,
  events,
  onRunChanged,
  onMetricsChanged,
  onHappening,
}: {
  readonly run: Run;
  readonly metrics: RunMetrics;
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly events: readonly RunEvent[];
  readonly onRunChanged: () => void;
  readonly onMetricsChanged: () => void;
  readonly onHappening: () => void;
}) {
  const theme = useTheme();
  const isNarrow = useMedia(NARROW);
  const { state, setWindow, undoWindow, set } = useRunViewState();
  const [hasShortcuts, setHasShortcuts] = useState(false);
  const spikes = useMemo(() => storedSpikes.map(refineSpike), [storedSpikes]);

  const names = useMemo(() => shortLayerNames(run.layers.map(({ name }) => name)), [run.layers]);
  const types = useMemo(() => layerTypes(run.layers, names), [run.layers, names]);
  const moverSteps = useMemo(
    () => (state.order === 'first_mover' ? firstMoverSteps(spikes, state.window) : NO_MOVERS),
    [spikes, state.window, state.order],
  );
  const selection = useMemo(
    () => selectLayers(names, state.filter, state.order, { types, moverSteps }),
    [names, state.filter, state.order, types, moverSteps],
  );
  const groups = useMemo(() => {
    const { indices } = selection;
    const found =
      state.order === 'model'
        ? groupLayers(indices.map((i) => names[i] ?? ''))
        : state.order === 'type'
          ? groupByLabel(indices.map((i) => types[i] ?? ''))
          : [];
    return collapseGroups(found, state.collapsed);
  }, [selection, names, types, state.order, state.collapsed]);
  const options = useMemo(() => prepareMetricOptions(metrics.layerMetrics), [metrics.layerMetrics]);
  const option = chooseMetric(options, state.metricKey);
  const { session, snapshot } = useRunSession(run, option, onRunChanged, onHappening);

  const scale = useMemo(
    () => applyColourRange(snapshot.scale, state.colourRange),
    [snapshot.scale, state.colourRange],
  );

  // The first frames bring the first metrics.
  const hasColumns = snapshot.base.columns.columnCount > 0;
  const lacksMetrics = hasColumns && metrics.layerMetrics.length + metrics.scalars.length === 0;
  useEffect(() => {
    if (lacksMetrics) onMetricsChanged();
  }, [lacksMetrics, onMetricsChanged]);

  const scalars = useMemo(
    () => metrics.scalars.filter((name) => name !== 'loss' && name !== 'wall_time'),
    [metrics.scalars],
  );
  const layout: Layout = isNarrow ? 'steps-right' : state.layout;
  const { model, overview, newerSteps, shownWindow } = usePlotModel({
    run,
    snapshot,
    option,
    spikes,
    warnings,
    events,
    names,
    layerOfRow: selection.indices,
    groups,
    window: state.window,
    layout,
    view: state,
    scalarLabel: scalarLabel(state.scalar),
    scale,
    theme,
    onWindow: setWindow,
    onChange: set,
  });
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
    onShortcuts: () => setHasShortcuts(true),
  });

  useEffect(() => session.showWindow(state.window), [session, state.window, snapshot.phase]);

  const search = useMemo<PageSearch>(() => {
    const here = `/runs/${encodeURIComponent(run.id)}`;
    return {
      items: names.map((label, layer) => ({
        href: `${here}/layers/${layer}`,
        label,
        detail: `layer ${layer}`,
      })),
      hrefOfStep: (step) => `${here}?step=${step}&layer=0`,
    };
  }, [run.id, names]);

  const recent = useLayerChanges(run.id, snapshot.base.columns, metrics.layerMetrics);
  const stages = useMemo(() => {
    const indices = stageIndices(recent?.layers ?? [], run.layerCount);
    return countStages(indices) === null ? null : indices;
  }, [recent, run.layerCount]);

  const now = useNow(5000);
  const slowVersion = useThrottled(snapshot.base.version, 250);
  const { base } = snapshot;
  const figures = useMemo(
    () => lossFigures(base.loss.columns),
    // The series grow in place; their version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [base, slowVersion],
  );
  const newestStep = base.columns.newestStep ?? figures.newestStep;
  const isRunning = run.status === 'running';
  const speed = stepsPerSecond(base.columns) ?? run.stepsPerSecond;
  const status = statusOf(run, snapshot.lastFrameAtMs, now ?? 0);
  const verdict = prepareRunVerdict({
    status,
    stepsPerSecond: speed,
    newestStep,
    newestLoss: figures.newest,
    isNewestLossNonFinite: figures.isNewestNonFinite,
    lastFiniteStep: figures.lastFiniteStep,
    lowestLoss: figures.lowest,
    spikes,
    warnings,
    window: state.window,
    changes: recent?.changes ?? null,
    layerNames: names,
  });
  const facts: VerdictFact[] = [
    { label: 'step', value: formatStep(newestStep) },
    {
      label: 'loss',
      value: figures.isNewestNonFinite ? (
        <span style={{ color: 'var(--divergence)' }}>NaN</span>
      ) : (
        formatNumber(figures.newest)
      ),
    },
    { label: 'grad norm', value: formatNumber(newestScalar(base.columns.scalar('gradient_norm'))) },
    {
      label: 'learning rate',
      value: formatSetting(newestScalar(base.columns.scalar('learning_rate'))),
    },
    // What a run that has ended once did is no speed.
    ...(isRunning ? [{ label: 'speed', value: formatNumber(speed), unit: 'steps/s' }] : []),
  ];

  const looked = spikeInWindow(
    spikes.filter(({ kind }) => kind === 'loss_spike'),
    state.window,
  );
  const isEmpty = snapshot.phase === 'ready' && !hasColumns && figures.newestStep === null;
  const isPage = isNarrow && state.tab !== 'run';
  const scaleBar =
    option?.scale === 'categorical' ? (
      <StageLegend />
    ) : (
      <ColourScaleBar
        scale={scale}
        isManual={state.colourRange !== null}
        onRange={(range) => set({ range: range === null ? null : formatColourRange(range) })}
        codes={model.columns.codes}
        version={slowVersion}
        theme={theme}
        caption={isNarrow ? (option?.shortLabel ?? '') : `${option?.shortLabel ?? ''} per layer`}
        onRefit={() => {
          set({ range: null });
          session.refitScale();
        }}
      />
    );

  return (
    <div className={styles['screen']}>
      <TopBar
        crumbs={[
          { label: run.project, href: `/?project=${encodeURIComponent(run.project)}` },
          { label: run.name },
        ]}
        note={`attempt ${run.attempt}`}
        status={<LiveStatus run={run} snapshot={snapshot} />}
        search={search}
      />
      <LiveBanner snapshot={snapshot} newestStep={newestStep} onReconnect={session.reconnect} />
      <VerdictLine
        mark={verdict.mark === null ? null : <Mark kind={verdict.mark} size={20} />}
        emphasis={verdict.emphasis}
        {...(verdict.mark === null ? {} : { emphasisColour: colourOfMark(verdict.mark) })}
        sentence={
          snapshot.phase === 'loading' ? 'Reading the steps of this run.' : verdict.sentence
        }
        detail={snapshot.phase === 'loading' ? null : verdict.detail}
        facts={isEmpty ? [] : looked === null ? facts : spikeFacts(looked, state.window)}
      />
      {isEmpty ? (
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
      ) : isPage ? (
        <main className={styles['whole']}>
          <PhoneTabPage
            tab={state.tab}
            run={run}
            names={names}
            spikes={spikes}
            warnings={warnings}
            events={events}
            newestStep={newestStep}
            onGo={model.onGo}
          />
        </main>
      ) : (
        <>
          <section className={styles['toolbar']} aria-label="View">
            {isNarrow ? null : (
              <RunToolbar
                options={options}
                option={option}
                onMetric={(key) => set({ metric: key, range: null })}
                order={state.order}
                onOrder={(order) => set({ order: order === 'model' ? null : order })}
                scalars={scalars}
                scalar={state.scalar}
                onScalar={(name) => set({ scalar: name === FIRST_SCALAR ? null : name })}
                smoothing={state.smoothing}
                onSmoothing={(text) => set({ smooth: text })}
                filter={state.filter}
                filterError={selection.error}
                onFilter={(filter) => set({ filter: filter.length === 0 ? null : filter })}
                layout={layout}
                onLayout={onLayout}
                shownWindow={shownWindow}
                window={state.window}
                newerSteps={newerSteps}
                isRunning={isRunning}
                onWindow={setWindow}
                onHold={() => shownWindow !== null && setWindow(shownWindow)}
              />
            )}
            {isNarrow || option === null ? null : scaleBar}
          </section>
          <main className={styles['body']}>
            {layout === 'paper' ? (
              <>
                <div className={styles['overview']}>
                  <Overview {...overview} onGo={model.onGo} />
                </div>
                <PaperPlot model={model} stages={stages} />
              </>
            ) : (
              <StepsRightPlot model={model} stages={stages} isNarrow={isNarrow} />
            )}
            {isNarrow && option !== null ? (
              <div className={styles['phone_scale']}>
                {scaleBar}
                <div className={styles['phone_tools']}>
                  <SelectMenu
                    label="Metric"
                    value={option.key}
                    onChange={(key) => set({ metric: key, range: null })}
                    options={options.map(({ key, label }) => ({ value: key, label }))}
                  />
                  {state.window === null ? null : (
                    <Button onClick={() => setWindow(null)}>
                      {isRunning ? 'Back to live' : 'Whole run'}
                    </Button>
                  )}
                </div>
              </div>
            ) : null}
            {isNarrow ? (
              <RunReadOut
                run={run}
                store={model.crosshair}
                columns={model.columns}
                version={model.version}
                option={option}
                layerNames={names}
                storedMetrics={metrics.layerMetrics}
                isNarrow
              />
            ) : null}
            <aside className={styles['panel']} aria-label="Beside the heatmap">
              <RunPanel
                run={run}
                base={base}
                version={slowVersion}
                recent={recent}
                spikes={spikes}
                warnings={warnings}
                events={events}
                layerNames={names}
                layerMetrics={metrics.layerMetrics}
                isLossNonFinite={figures.isNewestNonFinite}
                onGo={model.onGo}
              />
            </aside>
          </main>
          {isNarrow ? null : (
            <RunReadOut
              run={run}
              store={model.crosshair}
              columns={model.columns}
              version={model.version}
              option={option}
              layerNames={names}
              storedMetrics={metrics.layerMetrics}
              isNarrow={false}
            />
          )}
        </>
      )}
      {isNarrow ? (
        <PhoneTabs
          tab={state.tab}
          spikeCount={formatCount(spikes.length)}
          onTab={(tab) => set({ tab: tab === 'run' ? null : tab })}
        />
      ) : null}
      {hasShortcuts ? <Shortcuts onClose={() => setHasShortcuts(false)} /> : null}
    </div>
  );
}

/** The key numbers of the one spike that is looked at. */
function spikeFacts(spike: Spike, window: StepWindow | null): VerdictFact[] {
  const lead = leadOfSpike(spike);
  return [
    ...(window === null
      ? []
      : [
          {
            label: 'window',
            value: `${formatStep(window.fromStep)}–${formatStep(window.toStep)}`,
          },
        ]),
    lead === null
      ? { label: 'lead', value: 'none' }
      : { label: 'lead', value: formatStep(lead), unit: lead === 1 ? 'step' : 'steps' },
    { label: 'class', value: spike.recovery },
    ...(spike.excessArea === null
      ? []
      : [{ label: 'excess area', value: formatNumber(spike.excessArea), unit: 'nats × steps' }]),
  ];
}
