'use client';

import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import type { GapsReply } from '@/lib/contract/retention';
import type { Run, RunMetrics } from '@/lib/contract/runs';
import { AXIS_KINDS } from '@/lib/view/layer/distribution-axis';
import { describeGoneDistributions, isGoneAt } from '@/lib/view/runs/gone-words';
import { formatStep } from '@/lib/view/text/format-number';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { prepareLayerVerdict } from '@/lib/view/layer/layer-words';
import { stageLabel } from '@/lib/view/stages/stage-label';
import { stageAt } from '@/lib/view/stages/stage-reason';
import { Button, ButtonLink } from '@/app/_components/button';
import { StageLetter } from '@/app/_components/stage-chip';
import { Skeleton } from '@/app/_components/skeleton';
import { ConnectionBanner, ErrorState } from '@/app/_components/states';
import { VerdictLine } from '@/app/_components/verdict-line';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { useTabSign } from '@/app/_hooks/use-tab-sign';
import { useRunGaps } from '@/app/_hooks/use-run-gaps';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useKeyboard } from '@/app/_hooks/use-keyboard';
import { CompareDialog } from './bars/compare-dialog';
import { LayerBar } from './bars/layer-bar';
import { LayerBody } from './layer-body';
import { LayerEmpty } from './layer-empty';
import { LayerMetrics } from './series/layer-metrics';
import { layerMoves } from './model/layer-moves';
import { chooseInUrl, setAxisKind, useLayerUrl } from './model/use-layer-url';
import { useLayerView } from './model/use-layer-view';
import styles from './layer-view.module.css';

/** What went of the distributions that a page up to the step would show. */
const goneUpTo = (gaps: GapsReply | null, toStep: number | null): string | null =>
  toStep === null ? null : describeGoneDistributions(gaps, { fromStep: 0, toStep });

const NOTHING_CHOSEN = { steps: [], mainIndex: 0 } as const;

/** The page once its run is known: everything below moves only when a person moves it. */
export function LayerView({
  run,
  metrics,
  layer,
  connectionFault,
  onReconnect,
}: {
  readonly run: Run;
  readonly metrics: RunMetrics;
  readonly layer: Run['layers'][number];
  /** Why the run could not be read again; null while it can. */
  readonly connectionFault: string | null;
  readonly onReconnect: () => void;
}) {
  const router = useRouter();
  // Where the run stood when the page was opened: steps that come later move no axis.
  const [lastStep, setLastStep] = useState(run.lastStep);
  const [isComparing, setIsComparing] = useState(false);
  const url = useLayerUrl();
  const [stripRef, stripSize] = useElementSize();
  const stripWidth = stripSize?.width ?? 840;
  const view = useLayerView({ run, metrics, layer, url, lastStep, stripWidth });
  const { data, model } = view;
  const gaps = useRunGaps(run);

  const names = useMemo(() => shortLayerNames(run.layers.map(({ name }) => name)), [run.layers]);
  const position = run.layers.findIndex(({ index }) => index === layer.index);
  const shortName = names[position] ?? layer.name;
  useTabSign(`${shortName} of ${run.name} · Spikescope`, null);
  const chosen = model?.chosen ?? NOTHING_CHOSEN;
  const mainStep = chosen.steps[chosen.mainIndex] ?? url.step ?? lastStep;
  const base = `/runs/${encodeURIComponent(run.id)}`;
  const runHref = mainStep === null ? base : `${base}?step=${mainStep}&layer=${layer.index}`;
  const neighbour = (offset: 1 | -1) => {
    const target = run.layers[position + offset];
    if (target === undefined) return null;
    const query = new URLSearchParams(url.query);
    if (mainStep !== null) query.set('step', String(mainStep));
    return {
      name: names[position + offset] ?? target.name,
      href: `${base}/layers/${target.index}?${query.toString()}`,
    };
  };
  const previous = neighbour(-1);
  const next = neighbour(1);
  const moves = layerMoves({
    chosen,
    available: model?.available ?? [],
    window: data.window,
    firstStep: run.firstStep ?? 0,
    lastStep: lastStep ?? 0,
  });
  const changeAxis = () => {
    const place = (AXIS_KINDS.indexOf(url.axisKind) + 1) % AXIS_KINDS.length;
    setAxisKind(AXIS_KINDS[place] ?? 'linear');
  };
  const toNext = () => {
    if (next !== null) router.push(next.href);
  };
  const toPrevious = () => {
    if (previous !== null) router.push(previous.href);
  };
  useKeyboard({
    ArrowLeft: () => moves.together(-1),
    ArrowRight: () => moves.together(1),
    '[': () => moves.page(-1),
    ']': () => moves.page(1),
    a: changeAxis,
    j: toNext,
    k: toPrevious,
    Escape: () => router.push(runHref),
  });
  usePageActions('This layer', [
    { label: 'Previous, next reported steps', keys: ['←', '→'] },
    { label: 'Earlier steps', keys: ['['], run: () => moves.page(-1) },
    { label: 'Later steps', keys: [']'], run: () => moves.page(1) },
    { label: 'Change the axis of the distributions', keys: ['A'], run: changeAxis },
    { label: 'Compare with another layer or run', run: () => setIsComparing(true) },
    { label: 'Next layer', keys: ['J'], run: toNext },
    { label: 'Previous layer', keys: ['K'], run: toPrevious },
    { label: 'Back to the run', keys: ['Esc'], run: () => router.push(runHref) },
  ]);

  const bar = (
    <>
      <LayerBar
        run={run}
        runHref={runHref}
        layerIndex={layer.index}
        layerMetrics={metrics.layerMetrics}
        names={names}
        isUnreachable={connectionFault !== null}
      />
      {connectionFault === null ? null : (
        <ConnectionBanner
          headline="The run could not be read again."
          text={`${connectionFault} Showing what was received; next try in 2 s.`}
          onRetry={onReconnect}
        />
      )}
    </>
  );
  if (model === null || data.reply === null || data.window === null) {
    return (
      <>
        {bar}
        <main>
          <h1 className="visually-hidden">{shortName}</h1>
          {data.status === 'failed' ? (
            <ErrorState
              title="The distributions could not be read."
              message={data.error?.message ?? ''}
              onRetry={data.retry}
            />
          ) : data.status === 'none' ? (
            <>
              <LayerEmpty
                runHref={runHref}
                layerName={shortName}
                hasHistograms={metrics.histograms.length > 0}
                wantedStep={url.step ?? lastStep}
                gone={goneUpTo(gaps, url.step ?? lastStep)}
              />
              <LayerMetrics
                run={run}
                layerIndex={layer.index}
                layerName={shortName}
                step={url.step ?? lastStep}
                view={view}
                gaps={gaps}
              />
            </>
          ) : (
            <Skeleton text="Reading the distributions." shape="layer" />
          )}
        </main>
      </>
    );
  }

  const { referenceCurves } = data.reply;
  const selected = model.items[chosen.mainIndex];
  const verdict =
    selected === undefined
      ? null
      : prepareLayerVerdict(
          selected.item,
          selected.before,
          referenceCurves,
          isGoneAt(gaps, 'raw', selected.item.step),
        );
  const stage = mainStep === null ? null : (stageAt(view.findings.stages, mainStep)?.stage ?? null);
  const isElsewhere = url.step !== null && mainStep !== null && url.step !== mainStep;
  return (
    <>
      {bar}
      {isComparing ? (
        <CompareDialog
          run={run}
          layerIndex={layer.index}
          names={names}
          onClose={() => setIsComparing(false)}
        />
      ) : null}
      <VerdictLine
        mark={
          stage === null || stageLabel(stage).letter === null ? null : <StageLetter stage={stage} />
        }
        emphasis={`Step ${formatStep(mainStep)}:`}
        emphasisColour="var(--text)"
        sentence={verdict?.sentence ?? ''}
        detail={
          <>
            {isElsewhere
              ? data.step === url.step
                ? `No distribution at step ${formatStep(url.step)}; this is the newest before it. ${describeGoneDistributions(gaps, { fromStep: url.step, toStep: url.step }) ?? ''} `
                : `Reading step ${formatStep(url.step)}. `
              : null}
            {verdict?.detail}
          </>
        }
        actions={
          <nav className={styles['neighbours']} aria-label="Layers">
            <span className={styles['to_run']}>
              <ButtonLink variant="quiet" href={runHref}>
                Run
              </ButtonLink>
            </span>
            {previous === null ? null : (
              <ButtonLink variant="quiet" href={previous.href}>
                ‹ {previous.name}
              </ButtonLink>
            )}
            {next === null ? null : (
              <ButtonLink variant="quiet" href={next.href}>
                {next.name} ›
              </ButtonLink>
            )}
            <Button onClick={() => setIsComparing(true)}>Compare with…</Button>
          </nav>
        }
      />
      <LayerBody
        run={run}
        layerIndex={layer.index}
        layerName={shortName}
        layerNames={names}
        items={data.reply.items}
        url={url}
        view={view}
        model={model}
        window={data.window}
        curves={referenceCurves}
        stripRef={stripRef}
        stripWidth={stripWidth}
        hasDip={metrics.layerMetrics.some((name) => name.endsWith('_dip'))}
        lastStep={lastStep ?? 0}
        gaps={gaps}
        // Said above where another step was asked for.
        goneDistributions={isElsewhere ? null : describeGoneDistributions(gaps, data.window)}
        moves={moves}
        onNewest={(step) => {
          setLastStep(run.lastStep);
          chooseInUrl({ step, steps: null, window: null });
        }}
      />
    </>
  );
}
