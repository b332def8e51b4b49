import type { Postmortem } from '@/lib/contract/postmortem';
import { waysBack } from '@/lib/view/spikes/spike-facts';
import styles from './remedies-list.module.css';

const SIGNS = {
  offered: { sign: '✓', words: 'Its precondition held' },
  unknown: { sign: '?', words: 'Its precondition cannot be checked' },
  not_now: { sign: '–', words: 'Its precondition did not hold' },
} as const;

/** Where to go back to, what to skip, and every known remedy with why it fits or not. */
export function RemediesList({ postmortem }: { readonly postmortem: Postmortem }) {
  const { remedies, restarts, spike, hasEnded } = postmortem;
  const isOver = spike.recovery !== 'open' || hasEnded;
  const ways = waysBack(postmortem);
  const offered = remedies.filter(({ standing }) => standing === 'offered');
  const others = remedies.filter(({ standing }) => standing !== 'offered');
  return (
    <section aria-labelledby="what-to-do">
      <h2 id="what-to-do">{isOver ? 'What would have helped' : 'What to do'}</h2>
      {offered.length === 0 ? (
        <p className={styles['text']}>No remedy is called for by what the run reported.</p>
      ) : (
        <Remedies items={offered} hasCaveats />
      )}
      {ways.length === 0 ? null : (
        <ul className={styles['remedies']}>
          {ways.map((text) => (
            <li key={text}>
              <span aria-hidden>→</span>
              <p>{text}</p>
            </li>
          ))}
        </ul>
      )}
      <details className={styles['others']}>
        <summary>{others.length} that did not fit, and why</summary>
        <Remedies items={others} hasCaveats={false} />
      </details>
      {restarts.length === 0 ? null : (
        <>
          <h3>Did restarts take effect?</h3>
          <ul className={styles['remedies']}>
            {restarts.map(({ text, outcome }) => (
              <li key={text} data-outcome={outcome}>
                <span aria-hidden>
                  {outcome === 'in_effect' ? '✓' : outcome === 'not_in_effect' ? '✕' : '?'}
                </span>
                <p>{text}</p>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Remedies({
  items,
  hasCaveats,
}: {
  readonly items: Postmortem['remedies'];
  readonly hasCaveats: boolean;
}) {
  return (
    <ul className={styles['remedies']}>
      {items.map(({ key, title, standing, reason, caveat }) => (
        <li key={key} data-standing={standing}>
          <span aria-hidden>{SIGNS[standing].sign}</span>
          <span className="visually-hidden">{SIGNS[standing].words}. </span>
          <p>
            <b>{title}.</b> {capitalise(reason)}.{hasCaveats ? <small> {caveat}</small> : null}
          </p>
        </li>
      ))}
    </ul>
  );
}

/** β1 and η keep their letters. */
const capitalise = (text: string): string =>
  /^[a-z]{2}/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
