'use client';

import {
  Area,
  ComposedChart,
  Line,
  ReferenceLine,
  ResponsiveContainer,
  XAxis,
  YAxis,
} from 'recharts';
import type { DistributionPanel, MarkerKind } from '@/lib/view/layer/distribution-panel';
import styles from './distribution-chart.module.css';

const PLOT_HEIGHT = 136;
const AXIS_HEIGHT = 20;

/** How each marker is drawn: told apart by dash first, by colour second. */
export const MARKER_STYLES: Readonly<
  Record<MarkerKind, { readonly stroke: string; readonly dash: string; readonly width: number }>
> = {
  limit: { stroke: 'var(--text3)', dash: '', width: 1 },
  stale_step: { stroke: 'var(--text3)', dash: '1.5 2.5', width: 1.2 },
  single_burst: { stroke: 'var(--rms-spike)', dash: '4 3', width: 1 },
};

/** How the curves of theory and what is laid over are drawn. */
export const CURVE_STYLES = {
  healthy: { stroke: 'var(--ok)', dash: '4 3' },
  correlated: { stroke: 'var(--ok)', dash: '1.5 2.5' },
  other: { stroke: 'var(--accent)', dash: '' },
} as const;

/** One distribution with the curves of theory, the markers and what is laid over it; the model has decided all else. */
export function DistributionChart({ panel }: { readonly panel: DistributionPanel }) {
  const [first, last] = panel.domain;
  return (
    <div className={styles['chart']} role="img" aria-label={panel.description}>
      <ResponsiveContainer width="100%" height={PLOT_HEIGHT + AXIS_HEIGHT}>
        <ComposedChart margin={{ top: 1, right: 0, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <XAxis
            type="number"
            dataKey="at"
            domain={[first, last]}
            allowDataOverflow
            ticks={panel.ticks.map(({ at }) => at)}
            interval={0}
            height={AXIS_HEIGHT}
            tickLine={false}
            tickMargin={3}
            axisLine={{ stroke: 'var(--text3)', strokeWidth: 1 }}
            tick={(tick: { x: number | string; y: number | string; index: number }) => {
              const { at, label } = panel.ticks[tick.index] ?? { at: first, label: '' };
              return (
                <text
                  x={tick.x}
                  y={tick.y}
                  dy={9}
                  fill="var(--text3)"
                  fontSize={11}
                  textAnchor={at <= first ? 'start' : at >= last ? 'end' : 'middle'}
                >
                  {label}
                </text>
              );
            }}
          />
          <YAxis hide type="number" domain={[0, panel.maxHeight]} allowDataOverflow />
          {panel.markers.map(({ kind, at }) => (
            <ReferenceLine
              key={`${kind} ${at}`}
              x={at}
              stroke={MARKER_STYLES[kind].stroke}
              strokeWidth={MARKER_STYLES[kind].width}
              strokeDasharray={MARKER_STYLES[kind].dash}
              ifOverflow="hidden"
            />
          ))}
          <Area
            data={panel.outline}
            dataKey="height"
            type={panel.isStepped ? 'stepAfter' : 'linear'}
            fill="var(--histogram)"
            fillOpacity={0.85}
            stroke="var(--trace)"
            strokeWidth={1}
            dot={false}
            activeDot={false}
            isAnimationActive={false}
          />
          {(['healthy', 'correlated', 'other'] as const).map((kind) =>
            panel[kind].length === 0 ? null : (
              <Line
                key={kind}
                data={panel[kind]}
                dataKey="height"
                type={kind === 'other' && panel.isStepped ? 'stepAfter' : 'linear'}
                stroke={CURVE_STYLES[kind].stroke}
                strokeWidth={1.35}
                strokeDasharray={CURVE_STYLES[kind].dash}
                dot={false}
                activeDot={false}
                isAnimationActive={false}
              />
            ),
          )}
          {panel.zeroShare > 0 ? (
            <ReferenceLine x={0} stroke="var(--accent)" strokeWidth={1} ifOverflow="hidden" />
          ) : null}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}
