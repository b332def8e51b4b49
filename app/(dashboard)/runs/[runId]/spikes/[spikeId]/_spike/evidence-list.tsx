import Link from 'next/link';
import type { Evidence, Postmortem } from '@/lib/contract/postmortem';
import { describeMetric } from '@/lib/contract/standard-metrics';
import { formatNumber, formatStep } from '@/lib/view/text/format-number';
import { stageLabel } from '@/lib/view/stages/stage-label';
import styles from './evidence-list.module.css';

/** The verdict in words; each sentence opens to the stored numbers that it was made from. */
export function EvidenceList({ postmortem }: { readonly postmortem: Postmortem }) {
  return (
    <section aria-labelledby="what-happened">
      <h2 id="what-happened">What happened</h2>
      <ul className={styles['sentences']}>
        {postmortem.sentences.map(({ kind, text, evidence }) => (
          <li key={text} data-kind={kind}>
            {evidence.length === 0 ? (
              <p>{text}</p>
            ) : (
              <details>
                <summary>
                  <span>{text}</span>
                </summary>
                <ul className={styles['evidence']}>
                  {evidence.map((entry, index) => (
                    <li key={index}>
                      <EvidenceLine entry={entry} postmortem={postmortem} />
                    </li>
                  ))}
                </ul>
              </details>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function EvidenceLine({
  entry: { metric, layer, attempt, step, value },
  postmortem: { run, layerNames, spike },
}: {
  readonly entry: Evidence;
  readonly postmortem: Postmortem;
}) {
  const base = `/runs/${encodeURIComponent(run.id)}`;
  const where = layer === null ? `${base}?step=${step}` : `${base}/layers/${layer}?step=${step}`;
  return (
    <>
      <span>
        {labelOf(metric)}
        {layer === null ? '' : ` of ${layerNames[String(layer)] ?? `layer ${layer}`}`}
      </span>
      <b>{value === null ? '' : formatNumber(value)}</b>
      <Link href={where} prefetch={false}>
        {formatStep(step)}
        {attempt === spike.attempt ? '' : `, attempt ${attempt}`}
      </Link>
    </>
  );
}

function labelOf(metric: string): string {
  const [kind, name] = metric.split(':');
  if (name === undefined) {
    const { label } = describeMetric(metric);
    return label === metric ? metric.replaceAll('_', ' ') : label;
  }
  return kind === 'stage' ? stageLabel(name).word.replaceAll('_', ' ') : name.replaceAll('_', ' ');
}
