import { STAGE_NAMES } from '@/lib/contract/stages';
import { stageLabel } from '@/lib/view/stage-label';
import styles from './stage-legend.module.css';

/** The letters of the stages on their colours, where a colour scale stands for other metrics. */
export function StageLegend() {
  return (
    <ul className={styles['legend']} aria-label="Stages">
      {STAGE_NAMES.map((name) => {
        const { letter, word } = stageLabel(name);
        if (letter === null) return null;
        const token = letter.toLowerCase();
        return (
          <li
            key={name}
            title={word}
            style={{ background: `var(--stage-${token})`, color: `var(--on-stage-${token})` }}
          >
            <span aria-hidden>{letter}</span>
            <span className="visually-hidden">{word}</span>
          </li>
        );
      })}
    </ul>
  );
}
