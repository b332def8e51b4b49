'use client';

import { Button } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { CURVE_STYLES } from '../distributions/distribution-chart';
import { setOther, type OtherChoice } from '../model/use-layer-url';
import type { OtherLayer } from '../model/use-other-layer';
import styles from './other-bar.module.css';

/** What is laid over the distributions, to be changed or taken away. */
export function OtherBar({
  choice,
  other,
}: {
  readonly choice: OtherChoice;
  readonly other: OtherLayer;
}) {
  return (
    <div className={styles['bar']} role="group" aria-label="Laid over">
      <svg width={22} height={8} aria-hidden>
        <path d="M0 4h22" stroke={CURVE_STYLES.other.stroke} strokeWidth={1.5} />
      </svg>
      <span>Over it: {other.label}</span>
      {other.layers.length === 0 ? null : (
        <SelectMenu
          label="Layer laid over"
          value={other.layerIndex === null ? '' : String(other.layerIndex)}
          options={[
            ...(other.layerIndex === null ? [{ value: '', label: 'Choose a layer' }] : []),
            ...other.layers.map(({ index, name }) => ({ value: String(index), label: name })),
          ]}
          onChange={(value) => {
            if (value !== '') setOther({ runId: choice.runId, layerIndex: Number(value) });
          }}
        />
      )}
      <Button variant="quiet" onClick={() => setOther(null)}>
        Take away
      </Button>
      {other.problem === null ? null : <span role="status">{other.problem}</span>}
    </div>
  );
}
