import Link from 'next/link';
import type { Postmortem } from '@/lib/contract/postmortem';
import { formatNumber, formatPercent } from '@/lib/view/text/format-number';
import { LayerName } from '@/app/_components/layer-name';
import styles from './spike-table.module.css';

const SHOWN = 5;

/** How the RMS spikes of layers lie to the loss spikes of the run, the least likely by chance first. */
export function LeadLagTable({ postmortem }: { readonly postmortem: Postmortem }) {
  const { leadLag, run } = postmortem;
  if (leadLag.length === 0) return null;
  return (
    <section aria-labelledby="lead-lag">
      <h2 id="lead-lag">
        RMS before loss<small>loss spikes that come 1 to 8 steps after an RMS spike</small>
      </h2>
      <div className={styles['scroll']}>
        <table className={styles['table']}>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col" className={styles['number']}>
                preceded
              </th>
              <th
                scope="col"
                className={styles['number']}
                title="Share of all steps that follow an RMS spike so soon"
              >
                steps so near
              </th>
              <th
                scope="col"
                className={styles['number']}
                title="Probability of as many or more by chance, of this layer alone"
              >
                p
              </th>
            </tr>
          </thead>
          <tbody>
            {leadLag
              .slice(0, SHOWN)
              .map(({ layer, name, precededCount, lossSpikeCount, chance, tail }) => (
                <tr key={layer}>
                  <td className={styles['layer']}>
                    <Link
                      href={`/runs/${encodeURIComponent(run.id)}/layers/${layer}`}
                      prefetch={false}
                    >
                      <LayerName name={name} />
                    </Link>
                  </td>
                  <td className={styles['number']}>
                    {precededCount} of {lossSpikeCount}
                  </td>
                  <td className={styles['number']}>{formatPercent(chance)}</td>
                  <td className={styles['number']}>{formatNumber(tail)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
