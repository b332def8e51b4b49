import type { SpikeGroup } from '@/lib/contract/spike-search';
import { formatCount } from '@/lib/view/text/format-number';
import { groupHeading } from '@/lib/view/spikes/spike-question';
import { prepareGroups } from '@/lib/view/spikes/spike-search-table';
import styles from './spikes-page.module.css';

/** Groups with their denominators; bars compare how often, not how many. */
export function GroupsTable({
  groups,
  groupCount,
  groupBy,
}: {
  readonly groups: readonly SpikeGroup[];
  readonly groupCount: number;
  readonly groupBy: string;
}) {
  const rows = prepareGroups(groups, groupBy);
  const hasRates = groups.some(({ spikesPer10kSteps }) => spikesPer10kSteps !== null);
  return (
    // It scrolls sideways on a phone, so the keyboard must reach it.
    <div className={styles['scroll']} tabIndex={0} role="region" aria-label="Groups">
      <table className={styles['table']}>
        <caption className="visually-hidden">Spikes by {groupHeading(groupBy)}</caption>
        <thead>
          <tr>
            <th scope="col">{groupHeading(groupBy)}</th>
            <th scope="col">{hasRates ? 'in 10\u202f000 steps' : 'spikes'}</th>
            <th scope="col" className={styles['number']}>
              spikes
            </th>
            <th scope="col" className={styles['number']}>
              steps
            </th>
            <th scope="col" className={styles['number']}>
              runs with one
            </th>
            <th scope="col" className={styles['number']}>
              median lead
            </th>
            <th scope="col" className={styles['number']}>
              n
            </th>
            <th scope="col" className={styles['number']}>
              precursor
            </th>
            <th scope="col" className={styles['number']}>
              lost steps
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.key} ${row.label}`}>
              <th scope="row">{row.label}</th>
              <td>
                <span className={styles['rate']}>
                  <b>{hasRates ? row.rate : row.spikes}</b>
                  <span className={styles['bar']} aria-hidden="true">
                    <i style={{ width: `${(row.bar ?? 0) * 100}%` }} />
                  </span>
                </span>
              </td>
              <td className={styles['number']}>{row.spikes}</td>
              <td className={styles['number']}>{row.steps}</td>
              <td className={styles['number']}>{row.runs}</td>
              <td className={styles['number']}>{row.medianLead}</td>
              <td className={styles['number']}>{row.leadCount}</td>
              <td className={styles['number']}>{row.precursors}</td>
              <td className={styles['number']}>{row.lost}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {groupCount > groups.length ? (
        <p className={styles['caption']}>
          {formatCount(groups.length)} of {formatCount(groupCount)} groups.
        </p>
      ) : null}
    </div>
  );
}
