import { STAGE_NAMES } from '@/lib/contract/stages';
import { stageLabel } from '@/lib/view/stages/stage-label';
import styles from './stage-legend.module.css';

/** The letters of the stages on their colours, where a colour scale stands for other metrics. */
export function StageLegend() {
  return (
    <ul className={styles['legend']} data-legend aria-label="Stages">
      {STAGE_NAMES.map((name) => {
        const { letter, word } = stageLabel(name);
        const token = letter?.toLowerCase();
        const colours =
          token !== undefined
            ? { background: `var(--stage-${token})`, color: `var(--on-stage-${token})` }
            : name === 'diverged'
              ? { background: 'var(--divergence)', color: 'var(--bg)' }
              : { background: 'var(--raised)', color: 'var(--text2)' };
        return (
          <li key={name} title={word} style={colours}>
            <span aria-hidden>{letter ?? (name === 'diverged' ? '✕' : '–')}</span>
            <span className="visually-hidden">{word}</span>
          </li>
        );
      })}
    </ul>
  );
}
