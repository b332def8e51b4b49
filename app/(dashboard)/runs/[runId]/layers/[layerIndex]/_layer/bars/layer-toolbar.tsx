'use client';

import type { ReactNode } from 'react';
import type { StepWindow } from '@/lib/view/layer/chosen-steps';
import type { AxisKind } from '@/lib/view/layer/distribution-axis';
import { formatStep } from '@/lib/view/text/format-number';
import type { HeightMode } from '@/lib/view/layer/reference-curve';
import { Button } from '@/app/_components/button';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { Icon } from '@/app/_design/icons';
import { setAxisKind, setHeightMode } from '../model/use-layer-url';
import styles from './layer-toolbar.module.css';

const AXES: readonly {
  readonly value: AxisKind;
  readonly label: string;
  readonly title: string;
}[] = [
  { value: 'linear', label: 'Linear', title: 'Equal distances are equal differences' },
  { value: 'log', label: 'Log', title: 'Decades of the magnitude, both signs added up' },
  { value: 'signed-log', label: 'Signed log', title: 'Decades on both sides of 0' },
];
const MODES: readonly {
  readonly value: HeightMode;
  readonly label: string;
  readonly title: string;
}[] = [
  { value: 'density', label: 'Density', title: 'Share of coordinates per unit of the axis' },
  { value: 'counts', label: 'Counts', title: 'Coordinates in each bin' },
  { value: 'cumulative', label: 'Cumulative', title: 'Share of coordinates up to here' },
];

/** Name of the strip, its window, and how the distributions below are drawn. */
export function LayerToolbar({
  window,
  scale,
  axisKind,
  mode,
  canGoEarlier,
  canGoLater,
  onPage,
  menu,
  hint,
}: {
  readonly window: StepWindow;
  readonly scale: 'linear' | 'log';
  readonly axisKind: AxisKind;
  readonly mode: HeightMode;
  readonly canGoEarlier: boolean;
  readonly canGoLater: boolean;
  readonly onPage: (direction: 1 | -1) => void;
  /** What the loss may be taken along as. */
  readonly menu: ReactNode;
  readonly hint: ReactNode;
}) {
  return (
    <div className={styles['toolbar']}>
      <p className={styles['name']}>
        Loss <span className={styles['scale']}>{scale}</span>
      </p>
      {menu}
      <div className={styles['window']}>
        <Button
          variant="quiet"
          aria-label="Earlier steps"
          title="Earlier steps"
          disabled={!canGoEarlier}
          onClick={() => onPage(-1)}
        >
          <Icon name="chevronLeft" />
        </Button>
        <span>
          {formatStep(window.fromStep)}–{formatStep(window.toStep)}
        </span>
        <Button
          variant="quiet"
          aria-label="Later steps"
          title="Later steps"
          disabled={!canGoLater}
          onClick={() => onPage(1)}
        >
          <Icon name="chevronRight" />
        </Button>
      </div>
      {hint}
      <div className={styles['modes']}>
        <SegmentedControl label="Axis" options={AXES} value={axisKind} onChange={setAxisKind} />
        <SegmentedControl label="Height" options={MODES} value={mode} onChange={setHeightMode} />
      </div>
    </div>
  );
}
