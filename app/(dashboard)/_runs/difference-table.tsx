'use client';

import type { ConfigDifference } from '@/lib/view/comparison/config-difference';
import type { SettingValue } from '@/lib/view/comparison/flatten-settings';
import styles from './chosen-panel.module.css';

function Value({ value, isDifferent }: { value: SettingValue; isDifferent: boolean }) {
  return (
    <td
      data-same={!isDifferent || undefined}
      data-unset={!value.isSet || undefined}
      title={value.isSet ? value.text : 'not set'}
    >
      {value.text}
    </td>
  );
}

/** Settings of runs side by side, laid the way that fits their number. */
export function DifferenceTable({ view }: { readonly view: ConfigDifference }) {
  const { runs, rows, layout } = view;
  if (layout === 'row_per_setting') {
    return (
      <table className={styles['difference']}>
        <thead>
          <tr>
            <th scope="col">setting</th>
            {runs.map(({ id, name }) => (
              <th key={id} scope="col" className={styles['run']}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, label, values, isDifferent }) => (
            <tr key={key}>
              <th scope="row" data-same={!isDifferent || undefined}>
                {label}
              </th>
              {values.map((value, index) => (
                <Value key={runs[index]?.id ?? index} value={value} isDifferent={isDifferent} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    );
  }
  return (
    <table className={styles['difference']}>
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">Run</span>
          </th>
          {rows.map(({ key, label }) => (
            <th key={key} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {runs.map(({ id, name }, index) => (
          <tr key={id}>
            <th scope="row" className={styles['run']}>
              {name}
            </th>
            {rows.map(({ key, values, isDifferent }) => {
              const value = values[index];
              return value === undefined ? null : (
                <Value key={key} value={value} isDifferent={isDifferent} />
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
