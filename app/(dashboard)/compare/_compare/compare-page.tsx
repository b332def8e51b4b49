'use client';

import { useState } from 'react';
import type { AlignedWindow } from '@/lib/view/comparison/aligned-comparison';
import { compareMovers } from '@/lib/view/comparison/compared-findings';
import { readSide, writeSide, type ComparedSide } from '@/lib/view/comparison/compared-sides';
import { describeComparison } from '@/lib/view/comparison/comparison-words';
import { describeMetric } from '@/lib/contract/standard-metrics';
import { ButtonLink } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { TopBar } from '@/app/_components/top-bar';
import { VerdictLine } from '@/app/_components/verdict-line';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { AlignedFigure } from './aligned-figure';
import { ComparedTables } from './compared-tables';
import { OtherChoices } from './other-choices';
import { SideControls } from './side-controls';
import { useSide } from './use-side';
import styles from './compare.module.css';

const WINDOWS = [
  { value: '16', label: '±16 steps' },
  { value: '64', label: '±64 steps' },
  { value: '256', label: '±256 steps' },
  { value: '1000', label: '±1 000 steps' },
] as const;
type WindowValue = (typeof WINDOWS)[number]['value'];
const USUAL: WindowValue = '64';

const METRICS = ['gradient_norm', 'rms', 'update_std', 'ratio_dip'] as const;

function readWindow(text: string | null): WindowValue {
  return WINDOWS.find(({ value }) => value === text)?.value ?? USUAL;
}

/** Two runs or attempts on one axis of steps, 0 at a step of each: an onset, or any other. */
export function ComparePage() {
  const [parameters, patchUrl] = useUrlState();
  const leftSide = readSide(parameters.get('left'));
  const rightSide = readSide(parameters.get('right'));
  const steps = readWindow(parameters.get('window'));
  const window: AlignedWindow = { before: Number(steps), after: Number(steps) };
  const metric = METRICS.find((name) => name === parameters.get('metric')) ?? METRICS[0];
  const [suggested, setSuggested] = useState<string | null>(null);
  const layerName = parameters.get('layer') ?? suggested;
  const left = useSide(leftSide, window, layerName, metric);
  const right = useSide(rightSide, window, layerName, metric);
  const setSide = (name: 'left' | 'right') => (side: ComparedSide) =>
    patchUrl({ [name]: writeSide(side) }, 'push');
  const error = left.error ?? right.error;
  const hasBoth = left.data !== null && right.data !== null;
  const words = hasBoth ? describeComparison(left.data, right.data) : null;
  const layerNames = [
    ...new Set([...(left.data?.layerNames ?? []), ...(right.data?.layerNames ?? [])]),
  ];
  // Unless one is chosen it is the layer that moved first, which is known once both are read.
  const firstMover = hasBoth ? compareMovers(left.data, right.data)[0]?.name : undefined;
  const toSuggest = firstMover ?? layerNames[0] ?? null;
  if (hasBoth && toSuggest !== suggested) setSuggested(toSuggest);
  return (
    <div className={styles['page']}>
      <TopBar crumbs={[{ label: 'Comparison' }]} />
      {leftSide === null ? (
        <main>
          <h1 className="visually-hidden">Comparison</h1>
          <EmptyState
            title="Nothing to compare yet."
            text="Open a postmortem and follow “Compare with another run or attempt”, or tick two spikes in the list of all."
          >
            <ButtonLink href="/spikes">Spikes of all runs</ButtonLink>
          </EmptyState>
        </main>
      ) : (
        <>
          <VerdictLine
            sentence={words?.sentence ?? 'Two courses on one axis'}
            detail={
              words?.detail ?? (rightSide === null ? 'Choose the other one.' : 'Reading both.')
            }
          />
          <main className={styles['main']}>
            <div className={styles['sides']}>
              <SideControls
                name="left"
                side={leftSide}
                data={left.data}
                onChange={setSide('left')}
              />
              {rightSide === null ? null : (
                <SideControls
                  name="right"
                  side={rightSide}
                  data={right.data}
                  onChange={setSide('right')}
                  onForget={() => patchUrl({ right: null }, 'push')}
                />
              )}
            </div>
            {error === null ? null : (
              <ErrorState
                title="One of the two could not be read."
                message={error.message}
                onRetry={() => {
                  left.retry();
                  right.retry();
                }}
              />
            )}
            {rightSide === null ? (
              left.data === null ? null : (
                <OtherChoices data={left.data} />
              )
            ) : !hasBoth ? (
              error === null ? (
                <Skeleton text="Reading both courses." shape="charts" />
              ) : null
            ) : (
              <>
                <div className={styles['tools']}>
                  <SelectMenu
                    label="Steps shown"
                    options={WINDOWS}
                    value={steps}
                    onChange={(value) => patchUrl({ window: value === USUAL ? null : value })}
                  />
                  {layerNames.length === 0 ? null : (
                    <>
                      <SelectMenu
                        label="Metric of the layer"
                        options={METRICS.map((value) => ({
                          value,
                          label: describeMetric(value).label,
                        }))}
                        value={metric}
                        onChange={(value) =>
                          patchUrl({ metric: value === METRICS[0] ? null : value })
                        }
                      />
                      <SelectMenu
                        label="Layer"
                        options={layerNames.map((name) => ({ value: name, label: name }))}
                        value={layerName ?? ''}
                        onChange={(value) => patchUrl({ layer: value })}
                      />
                    </>
                  )}
                </div>
                <AlignedFigure
                  left={left.data}
                  right={right.data}
                  window={window}
                  layerLabel={
                    layerName === null ? null : `${describeMetric(metric).label} of ${layerName}`
                  }
                />
                <ComparedTables left={left.data} right={right.data} />
              </>
            )}
          </main>
        </>
      )}
    </div>
  );
}
