import type { SpikeScale } from '@/lib/view/spikes/spike-scale';
import { TickText } from '@/app/_components/tick-text';
import styles from './spike-scale-bar.module.css';

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

/** What the colours of the cells above stand for; the level at which the hue breaks is named. */
export function SpikeScaleBar({
  scale,
  level,
}: {
  readonly scale: SpikeScale;
  /** "ε", "2.3". */
  readonly level: string | null;
}) {
  const { colours, ticks, levelShare } = scale;
  const stops = colours
    .map((colour, index) => `${colour} 0 ${percent((index + 1) / colours.length)}`)
    .join(', ');
  return (
    <span className={styles['scale']} aria-hidden>
      <span style={{ background: `linear-gradient(to right, ${stops})` }} />
      {ticks.map(({ tick, share }) => (
        <small key={tick.value} style={{ left: percent(share) }}>
          <TickText tick={tick} />
        </small>
      ))}
      {levelShare === null || level === null ? null : (
        <b style={{ left: percent(levelShare) }}>{level}</b>
      )}
    </span>
  );
}
