'use client';

import { useSyncExternalStore } from 'react';
import type { LayerAxis } from '@/lib/view/axes/layer-axis';
import type { CrosshairStore } from '../model/crosshair-store';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { classNames } from '@/app/_design/class-names';
import { cellOf, type PlotGeometry } from './plot-geometry';
import styles from './plot.module.css';

/** "h.3" is "3" where there is no room for the rest. */
const shortened = (label: string): string => /\d+$/.exec(label)?.[0] ?? label;

/** A character at the labels' size, near enough to leave out what would be cut. */
const CHARACTER_PX = 6.2;
const fits = (text: string, width: number): boolean => text.length * CHARACTER_PX <= width;

/** A label whose middle is nearer to the chip's than this would look out from under it. */
const CHIP_REACH_PX = 15;
const subscribeToNothing = () => () => undefined;

const isUnder = (chip: number | null, label: number): boolean =>
  chip !== null && Math.abs(chip - label) < CHIP_REACH_PX;

function chipMiddle(store: CrosshairStore, geometry: PlotGeometry): number | null {
  const at = store.get();
  return at === null ? null : (cellOf(geometry, at.step, at.layer)?.layerMiddle ?? null);
}

/** Names of the layer groups in the gutter, with a rule along each group. */
export function GroupRows({
  layerAxis,
  devicePixelRatio,
  left,
  top,
  isNarrow,
  shows,
  onToggle,
  covered,
}: {
  readonly layerAxis: LayerAxis;
  readonly devicePixelRatio: number;
  readonly left: number;
  readonly top: number;
  readonly isNarrow: boolean;
  /** Of its layers, what a closed group shows. */
  readonly shows: ColumnShows;
  readonly onToggle: (label: string) => void;
  /** The crosshair whose chip covers a label; null where there is no chip. */
  readonly covered: { readonly store: CrosshairStore; readonly geometry: PlotGeometry } | null;
}) {
  const chipAt = useSyncExternalStore(
    covered?.store.subscribe ?? subscribeToNothing,
    () => (covered === null ? null : chipMiddle(covered.store, covered.geometry)),
    () => null,
  );
  return layerAxis.groups.map(({ label, start, end, isLabelled, isCollapsed, rowCount }) => (
    <div key={`${label} ${start}`}>
      <span
        className={styles['group_rule']}
        style={{
          left: left - 5,
          top: top + start / devicePixelRatio,
          width: 1,
          height: (end - start) / devicePixelRatio,
        }}
      />
      {isLabelled && !isUnder(chipAt, top + (start + end) / 2 / devicePixelRatio) ? (
        <button
          type="button"
          className={classNames(styles['row_label'], styles['group_toggle'])}
          style={{ width: left - 10, top: top + (start + end) / 2 / devicePixelRatio }}
          disabled={rowCount < 2}
          aria-expanded={rowCount < 2 ? undefined : !isCollapsed}
          aria-label={`${label}, ${rowCount} ${rowCount === 1 ? 'layer' : 'layers'}`}
          title={
            rowCount < 2
              ? undefined
              : isCollapsed
                ? `Open ${label}: its ${rowCount} layers are one row, the ${shows} of them`
                : `Close ${label} into one row`
          }
          onClick={() => onToggle(label)}
        >
          {isCollapsed
            ? `▸ ${isNarrow ? shortened(label) : label}`
            : isNarrow
              ? shortened(label)
              : label}
        </button>
      ) : null}
    </div>
  ));
}

/** The same over the columns of the paper's layout. */
export function GroupColumns({
  layerAxis,
  devicePixelRatio,
  left,
  bottom,
}: {
  readonly layerAxis: LayerAxis;
  readonly devicePixelRatio: number;
  readonly left: number;
  /** The labels end here; the heatmap begins. */
  readonly bottom: number;
}) {
  return layerAxis.groups.map(({ label, start, end, isLabelled }) => {
    const width = (end - start) / devicePixelRatio;
    const from = left + start / devicePixelRatio;
    return (
      <div key={`${label} ${start}`} aria-hidden>
        <span
          className={styles['group_rule']}
          style={{ left: from, top: bottom - 5, width: Math.max(1, width - 2), height: 1 }}
        />
        {isLabelled && fits(width >= 24 ? label : shortened(label), width) ? (
          <span className={styles['column_label']} style={{ left: from, width, top: bottom - 23 }}>
            {width >= 24 ? label : shortened(label)}
          </span>
        ) : null}
      </div>
    );
  });
}
