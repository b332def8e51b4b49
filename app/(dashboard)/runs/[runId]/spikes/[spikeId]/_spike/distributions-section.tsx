'use client';

import Link from 'next/link';
import { useState } from 'react';
import type { Postmortem } from '@/lib/contract/postmortem';
import { distributionsReplySchema, type DistributionsReply } from '@/lib/contract/reads';
import { formatStep } from '@/lib/view/text/format-number';
import { prepareLayerView } from '@/lib/view/layer/layer-view-model';
import { SelectMenu } from '@/app/_components/select-menu';
import { Skeleton } from '@/app/_components/skeleton';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { CurveLegend } from '../../../layers/[layerIndex]/_layer/distributions/curve-legend';
import { DistributionChart } from '../../../layers/[layerIndex]/_layer/distributions/distribution-chart';
import styles from './distributions-section.module.css';

const PLACES = ['before', 'as the loss rose', 'after'] as const;
const LARGE = 1000;
const MOST_LAYERS = 24;

/** u and r of a first mover before, at and after the spike. */
export function DistributionsSection({ postmortem }: { readonly postmortem: Postmortem }) {
  const { movers, run } = postmortem;
  const large = movers.filter(({ parameterCount }) => parameterCount >= LARGE);
  const choices = [...(large.length > 0 ? large : movers)].slice(0, MOST_LAYERS);
  const [layer, setLayer] = useState(choices[0]?.layer ?? (run.layerCount > 0 ? 0 : null));
  if (layer === null) return null;
  const name = choices.find((mover) => mover.layer === layer)?.name ?? `layer ${layer}`;
  return (
    <section className={styles['distributions']} aria-labelledby="distributions">
      <h2 id="distributions">
        u and r of
        {choices.length === 0 ? (
          ` layer ${layer}`
        ) : (
          <SelectMenu
            label="Layer"
            value={String(layer)}
            options={choices.map((mover) => ({ value: String(mover.layer), label: mover.name }))}
            onChange={(value) => setLayer(Number(value))}
          />
        )}
        <Link
          href={`/runs/${encodeURIComponent(run.id)}/layers/${layer}?step=${postmortem.spike.onsetStep}`}
        >
          Open the layer
        </Link>
      </h2>
      <LayerDistributions key={layer} postmortem={postmortem} layer={layer} name={name} />
    </section>
  );
}

function LayerDistributions({
  postmortem,
  layer,
  name,
}: {
  readonly postmortem: Postmortem;
  readonly layer: number;
  readonly name: string;
}) {
  const { run, spike, toStep } = postmortem;
  const rise = spike.riseStep ?? spike.onsetStep;
  const signs = [...spike.firstMovers, ...spike.globalMovers]
    .filter(({ leadSteps }) => leadSteps >= 1)
    .map(({ step }) => step);
  const quiet = Math.max(0, Math.min(rise, ...signs) - 1);
  const steps = [quiet, rise, spike.recoveredStep ?? toStep];
  const path = (step: number | undefined): string =>
    apiPath(`/runs/${encodeURIComponent(run.id)}/layers/${layer}/distributions`, {
      step: step ?? 0,
      attempt: spike.attempt,
    });
  const replies = [
    useApi(path(steps[0]), distributionsReplySchema),
    useApi(path(steps[1]), distributionsReplySchema),
    useApi(path(steps[2]), distributionsReplySchema),
  ];
  const failed = replies.find(({ error }) => error !== null)?.error ?? null;
  const reply = joinReplies(replies.flatMap(({ data }) => data ?? []));
  if (reply === null || replies.some(({ isLoading }) => isLoading)) {
    return failed === null ? (
      <Skeleton text="Reading the distributions." shape="charts" />
    ) : (
      <p className={styles['text']}>
        {failed.code === 'distribution_not_found'
          ? `${name} has no distributions around the spike.`
          : failed.message}
      </p>
    );
  }
  const available = reply.items.map(({ step }) => step);
  const { columns, axisLimit, hasZeros } = prepareLayerView({
    reply,
    selectedStep: available[1] ?? available[0] ?? rise,
    requestedSteps: available,
    axisKind: 'linear',
    mode: 'density',
    correlated: [],
    other: null,
  });
  const hasDip = columns.some(({ panels }) => panels.some(({ dip }) => dip !== null));
  return (
    <>
      <div className={styles['columns']}>
        {columns.map((column) => {
          const place = steps.findIndex((step, index) => {
            const next = steps[index + 1] ?? Infinity;
            return column.step <= step && (column.step < next || index === steps.length - 1);
          });
          return (
            <section key={column.step} aria-label={`Step ${column.step}`}>
              <h3>
                {formatStep(column.step)} <small>{PLACES[place] ?? ''}</small>
              </h3>
              <p className={styles['byline']}>{column.facts}</p>
              {column.panels.map(({ kind, symbol, meaning, panel, std, dip }) => (
                <div key={kind}>
                  <p className={styles['panel_name']}>
                    <b>{symbol}</b> {meaning}
                    <span>
                      {std === null ? '' : `std ${std}`}
                      {dip === null ? '' : `  dip ${dip.text}`}
                    </span>
                  </p>
                  {panel === null ? (
                    <p className={styles['text']}>not reported</p>
                  ) : (
                    <DistributionChart panel={panel} />
                  )}
                </div>
              ))}
            </section>
          );
        })}
      </div>
      <div className={styles['legend']}>
        <CurveLegend curves={reply.referenceCurves} {...{ axisLimit, hasZeros, hasDip }} />
      </div>
    </>
  );
}

/** The steps that were found, each once, ascending; null before any was. */
function joinReplies(replies: readonly DistributionsReply[]): DistributionsReply | null {
  const [first] = replies;
  if (first === undefined) return null;
  const items = new Map(replies.flatMap((reply) => reply.items.map((item) => [item.step, item])));
  return { ...first, items: [...items.values()].sort((a, b) => a.step - b.step) };
}
