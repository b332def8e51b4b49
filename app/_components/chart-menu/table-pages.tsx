'use client';

import { useState } from 'react';
import { formatCell, type ChartTable } from '@/lib/view/text/chart-table';
import { formatCount } from '@/lib/view/text/format-number';
import { Button } from '@/app/_components/button';
import styles from './chart-dialog.module.css';

const ROWS = 100;
/** Beside the columns that say what a row is. */
const COLUMNS = 16;

/** A real table of what a chart shows, a page of it at a time: a heatmap has a thousand columns. */
export function TablePages({ table }: { readonly table: ChartTable }) {
  const [firstRow, setFirstRow] = useState(0);
  const [firstColumn, setFirstColumn] = useState(table.keyColumnCount);
  const { columns, keyColumnCount, rowCount } = table;
  const rows = range(firstRow, Math.min(rowCount, firstRow + ROWS));
  const shown = [
    ...range(0, keyColumnCount),
    ...range(firstColumn, Math.min(columns.length, firstColumn + COLUMNS)),
  ].flatMap((index) => {
    const column = columns[index];
    return column === undefined ? [] : [{ index, ...column }];
  });
  return (
    <>
      <div className={styles['scroll']} tabIndex={0} role="region" aria-label="Table">
        <table className={styles['table']}>
          <caption className="visually-hidden">{table.caption}</caption>
          <thead>
            <tr>
              {shown.map(({ index, name, kind }) => (
                <th key={index} scope="col" data-kind={kind}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row}>
                {shown.map(({ index, kind }) => {
                  const cell = table.cell(row, index);
                  const text = formatCell(cell, kind);
                  return index === 0 ? (
                    <th key={index} scope="row" data-kind={kind}>
                      {text}
                    </th>
                  ) : (
                    <td
                      key={index}
                      data-kind={kind}
                      data-not-finite={
                        (typeof cell === 'number' && !Number.isFinite(cell)) || undefined
                      }
                    >
                      {text}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pages what="Rows" first={firstRow} size={ROWS} start={0} end={rowCount} onGo={setFirstRow} />
      <Pages
        what="Columns"
        first={firstColumn}
        size={COLUMNS}
        start={keyColumnCount}
        end={columns.length}
        onGo={setFirstColumn}
      />
    </>
  );
}

/** What of how many is shown; buttons only where there is more. */
function Pages({
  what,
  first,
  size,
  start,
  end,
  onGo,
}: {
  readonly what: string;
  readonly first: number;
  readonly size: number;
  readonly start: number;
  readonly end: number;
  readonly onGo: (first: number) => void;
}) {
  if (end - start <= size) {
    return what === 'Rows' ? <p role="status">{formatCount(end)} rows.</p> : null;
  }
  const last = Math.min(end, first + size);
  return (
    <div className={styles['pages']}>
      <span role="status">
        {what} {formatCount(first - start + 1)}–{formatCount(last - start)} of{' '}
        {formatCount(end - start)}
      </span>
      <Button disabled={first <= start} onClick={() => onGo(Math.max(start, first - size))}>
        Previous
      </Button>
      <Button disabled={last >= end} onClick={() => onGo(first + size)}>
        Next
      </Button>
    </div>
  );
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
