'use client';

import { distributionsReplySchema, type DistributionsReply } from '@/lib/contract/reads';
import { runSchema, type Run } from '@/lib/contract/runs';
import type { StepWindow } from '@/lib/view/layer/chosen-steps';
import { formatStep } from '@/lib/view/text/format-number';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import type { OtherChoice } from './use-layer-url';

/** As many as the layer's own window may hold. */
const MOST_REPORTS = 400;

/** What is laid over the layer, or why it cannot be. */
export interface OtherLayer {
  /** "h.0.mlp", or "run C, h.0.mlp". */
  readonly label: string;
  /** The layers that it may be changed to. */
  readonly layers: readonly { readonly index: number; readonly name: string }[];
  readonly layerIndex: number | null;
  readonly reply: DistributionsReply | null;
  readonly problem: string | null;
  /** The read behind it; null before it is known. */
  readonly path: string | null;
}

const NOTHING: DistributionsReply['items'] = [];

/** Reads the other layer over the same window; null where none was chosen. */
export function useOtherLayer(
  run: Run,
  layerName: string,
  choice: OtherChoice | null,
  window: StepWindow | null,
): OtherLayer | null {
  const otherRunId = choice?.runId ?? null;
  const isElsewhere = otherRunId !== null && otherRunId !== run.id;
  const read = useApi(
    isElsewhere ? apiPath(`/runs/${encodeURIComponent(otherRunId)}`) : null,
    runSchema,
  );
  const other = isElsewhere ? read.data : run;
  const layer =
    other === null || choice === null
      ? undefined
      : choice.layerIndex === null
        ? other.layers.find(({ name }) => name === layerName)
        : other.layers.find(({ index }) => index === choice.layerIndex);
  const path =
    other === null || layer === undefined || window === null
      ? null
      : apiPath(`/runs/${encodeURIComponent(other.id)}/layers/${layer.index}/distributions`, {
          fromStep: window.fromStep,
          toStep: window.toStep,
          limit: MOST_REPORTS,
        });
  const distributions = useApi(path, distributionsReplySchema, { keepPrevious: true });
  if (choice === null) return null;

  const names = other === null ? [] : shortLayerNames(other.layers.map(({ name }) => name));
  const layers = (other?.layers ?? []).map(({ index, name }, position) => ({
    index,
    name: names[position] ?? name,
  }));
  const layerLabel = layers.find(({ index }) => index === layer?.index)?.name ?? null;
  const runLabel = isElsewhere ? (other?.name ?? otherRunId) : null;
  const items = distributions.data?.items ?? NOTHING;
  return {
    label: [runLabel, layerLabel].filter((part) => part !== null).join(', '),
    layers,
    layerIndex: layer?.index ?? null,
    reply: items.length === 0 ? null : distributions.data,
    path,
    problem:
      read.error !== null
        ? `Run ${otherRunId} could not be read: ${read.error.message}`
        : other !== null && layer === undefined
          ? choice.layerIndex === null
            ? `It has no layer named ${layerName}: choose one.`
            : `It has no layer ${choice.layerIndex}: choose one.`
          : distributions.error !== null
            ? `Its distributions could not be read: ${distributions.error.message}`
            : distributions.data !== null && items.length === 0 && window !== null
              ? `It has no distribution in steps ${formatStep(window.fromStep)}–${formatStep(window.toStep)}.`
              : null,
  };
}
