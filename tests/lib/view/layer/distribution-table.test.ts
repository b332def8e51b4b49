import { describe, expect, it } from 'vitest';
import { distributionTable } from '@/lib/view/layer/distribution-table';
import { aDistribution, anItem } from '@/tests/builders/distribution-item';

const distribution = aDistribution('update', [4, 1], {
  underflow: 2,
  overflow: 3,
  zeros: 5,
  nonFinite: 7,
});

describe('the table of a distribution', () => {
  const table = distributionTable('u', 'update', [anItem({ distributions: [distribution] })]);
  const rows = Array.from({ length: table.rowCount }, (_, row) =>
    table.columns.map((_, column) => table.cell(row, column)),
  );

  it('has every posted bin, and what lies outside of all', () => {
    expect(rows).toHaveLength(16 + 4);
    expect(rows[0]).toEqual([317, 'underflow', null, -1, 2]);
    expect(rows[8]).toEqual([317, 'bin', -0.125, 0, 4]);
    expect(rows.slice(-3)).toEqual([
      [317, 'overflow', 1, null, 3],
      [317, 'exact_zero', 0, 0, 5],
      [317, 'non_finite', null, null, 7],
    ]);
  });

  it('counts what the distribution counts', () => {
    const counted = rows.reduce((sum, row) => sum + Number(row[4]), 0);
    expect(counted).toBe(2 + 3 + 5 + 7 + distribution.counts.reduce((a, b) => a + b, 0));
  });

  it('leaves out steps that did not report the kind', () => {
    expect(distributionTable('x', 'other', [anItem()]).rowCount).toBe(0);
  });
});
