'use client';

import { useEffect, useRef, useState } from 'react';
import {
  decodeHeatmapColumns,
  SAFETENSORS_MEDIA_TYPE,
  type HeatmapColumns,
} from '@/lib/contract/heatmap-columns';
import type { Postmortem } from '@/lib/contract/postmortem';
import { STAGE_NAMES } from '@/lib/contract/stages';
import { packHex } from '@/lib/view/colours/colour-ramp';
import { formatNumber } from '@/lib/view/text/format-number';
import { groupLayers } from '@/lib/view/axes/layer-groups';
import {
  drawSpikeRaster,
  magnitudeScale,
  plotWidth,
  type RasterScale,
} from '@/lib/view/spikes/spike-raster';
import { SPIKE_GUTTER, stepPosition } from '@/lib/view/spikes/spike-timeline';
import { prepareSpikeScale } from '@/lib/view/spikes/spike-scale';
import { stageColour } from '@/lib/view/stages/stage-colours';
import { stageLabel } from '@/lib/view/stages/stage-label';
import { CANVAS_COLOURS, STAGE_COLOURS } from '@/app/_design/canvas-colours';
import { apiPath, readBytes } from '@/app/_hooks/api-client';
import { useTheme, type Theme } from '@/app/_hooks/use-theme';
import { SpikeScaleBar } from './spike-scale-bar';
import styles from './spike-heatmap.module.css';

const COLUMNS = 1000;
const ROW_PX = 6;
const HEIGHTS = { least: 96, most: 300 } as const;
/** Lower groups have no room for their name. */
const LEAST_GROUP_PX = 11;
const NAMES: Readonly<Record<string, string>> = {
  gradient_norm: 'Gradient norm',
  rms: 'RMS',
  stage: 'Stage',
};

type Reading =
  | { readonly key: string; readonly columns: HeatmapColumns }
  | { readonly key: string; readonly fault: string };

/** One metric of all layers over the steps of the timeline above. */
export function SpikeHeatmap({
  postmortem,
  names,
  metric,
  width,
  devicePixelRatio,
}: {
  readonly postmortem: Postmortem;
  readonly names: readonly string[];
  readonly metric: string;
  readonly width: number;
  readonly devicePixelRatio: number;
}) {
  const { run, spike, fromStep, toStep, optimizer } = postmortem;
  const theme = useTheme();
  const reading = useColumns(run.id, metric, spike.attempt, fromStep, toStep);
  const canvas = useRef<HTMLCanvasElement>(null);
  const height = Math.min(HEIGHTS.most, Math.max(HEIGHTS.least, names.length * ROW_PX));
  const plot = plotWidth(width);
  const columns = reading !== null && 'columns' in reading ? reading.columns : null;

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d') ?? null;
    if (element === null || context === null) return;
    const size = {
      width: Math.max(1, Math.round(plot * devicePixelRatio)),
      height: Math.max(1, Math.round(height * devicePixelRatio)),
    };
    Object.assign(element, size);
    if (columns === null) return;
    const pixels = drawSpikeRaster({
      ...{ columns, fromStep, toStep, theme, ...size },
      scale: scaleOf(metric, columns, theme, optimizer.epsilon ?? null),
      nonFiniteColour: packHex(CANVAS_COLOURS[theme].divergence),
    });
    const image = new ImageData(size.width, size.height);
    new Uint32Array(image.data.buffer).set(pixels);
    context.putImageData(image, 0, 0);
  }, [columns, fromStep, toStep, theme, plot, height, devicePixelRatio, metric, optimizer.epsilon]);

  const x = stepPosition(postmortem, width);
  const onset = x(spike.onsetStep);
  return (
    <figure className={styles['heatmap']}>
      <div style={{ height }} className={styles['rows']}>
        {groupLayers(names).map(({ label, start, end }) => {
          const top = (start / names.length) * height;
          const tall = ((end - start) / names.length) * height;
          return tall < LEAST_GROUP_PX ? null : (
            <span key={`${label} ${start}`} style={{ top: top + tall / 2 - 8 }}>
              {label}
            </span>
          );
        })}
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${NAMES[metric] ?? metric} of ${names.length} layers over steps ${fromStep} to ${toStep}`}
          aria-busy={reading === null}
          style={{ left: SPIKE_GUTTER, width: plot, height }}
        />
        <i style={{ left: onset }} aria-hidden />
        {reading !== null && 'fault' in reading ? (
          <p className={styles['fault']} role="alert">
            {reading.fault}
          </p>
        ) : null}
      </div>
      <figcaption className={styles['caption']} style={{ paddingLeft: SPIKE_GUTTER }}>
        {columns === null ? (
          ' '
        ) : (
          <Legend
            metric={metric}
            columns={columns}
            theme={theme}
            epsilon={optimizer.epsilon ?? null}
          />
        )}
      </figcaption>
    </figure>
  );
}

function Legend({
  metric,
  columns,
  theme,
  epsilon,
}: {
  readonly metric: string;
  readonly columns: HeatmapColumns;
  readonly theme: Theme;
  readonly epsilon: number | null;
}) {
  if (metric === 'stage') {
    const known = new Set([...columns.values].filter(Number.isFinite));
    if (known.size === 0) return <>No stage is known over these steps.</>;
    return (
      <span className={styles['legend']}>
        {[...known]
          .sort((a, b) => a - b)
          .map((stage) => (
            <span key={stage}>
              <i style={{ background: stageColour(stage, STAGE_COLOURS[theme]) }} aria-hidden />
              {stageLabel(STAGE_NAMES[stage] ?? '').word}
            </span>
          ))}
      </span>
    );
  }
  const level = levelOf(metric, epsilon);
  const scale = magnitudeScale(columns.values, level);
  if (scale.low === null || scale.high === null) {
    return <>{NAMES[metric]} was not reported over these steps.</>;
  }
  const bar = prepareSpikeScale(scale, theme);
  return (
    <span className={styles['scale_line']}>
      <span>
        {NAMES[metric]} per layer
        {level === null ? null : (
          <>
            <br />
            {metric === 'rms'
              ? 'from 2.3 on it is a spike'
              : `below ε, ${formatNumber(level)}, is blue`}
          </>
        )}
      </span>
      {bar === null ? (
        formatNumber(scale.low)
      ) : (
        <SpikeScaleBar scale={bar} level={metric === 'rms' ? '2.3' : 'ε'} />
      )}
    </span>
  );
}

function levelOf(metric: string, epsilon: number | null): number | null {
  if (metric === 'rms') return 2.3;
  return metric === 'gradient_norm' && epsilon !== null && epsilon > 0 ? epsilon : null;
}

function scaleOf(
  metric: string,
  columns: HeatmapColumns,
  theme: Theme,
  epsilon: number | null,
): RasterScale {
  if (metric === 'stage') {
    const colours = STAGE_NAMES.map((_, stage) =>
      packHex(stageColour(stage, STAGE_COLOURS[theme])),
    );
    return { kind: 'category', colours };
  }
  return magnitudeScale(columns.values, levelOf(metric, epsilon));
}

function useColumns(
  runId: string,
  metric: string,
  attempt: number,
  fromStep: number,
  toStep: number,
): Reading | null {
  const [reading, setReading] = useState<Reading | null>(null);
  const path = apiPath(`/runs/${encodeURIComponent(runId)}/heatmap`, {
    ...{ metric, attempt, fromStep, toStep },
    columns: COLUMNS,
  });
  useEffect(() => {
    const controller = new AbortController();
    readBytes(path, SAFETENSORS_MEDIA_TYPE, controller.signal).then(
      (body) => setReading({ key: path, columns: decodeHeatmapColumns(body) }),
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        const fault = cause instanceof Error ? cause.message : 'The heatmap could not be read.';
        setReading({ key: path, fault });
      },
    );
    return () => controller.abort();
  }, [path]);
  return reading?.key === path ? reading : null;
}
