import { describe, expect, it } from 'vitest';
import { stepDistributionsTable } from '@/lib/view/layer/step-distributions-table';
import { aDistribution, anItem } from '../../../builders/distribution-item';

describe('the distributions of a step as a table', () => {
  const item = anItem({
    distributions: [aDistribution('update', [7], { zeros: 3 }), aDistribution('ratio', [9])],
  });
  const { columns, rowCount, cell } = stepDistributionsTable('u and r at 317', item);
  const rows = Array.from({ length: rowCount }, (_, row) =>
    columns.map((_, column) => cell(row, column)),
  );

  it('holds every bin of every kind, and what lies outside', () => {
    expect(columns.map(({ name }) => name).slice(0, 3)).toEqual(['kind', 'step', 'part']);
    expect(rows.filter(([kind]) => kind === 'update')).toHaveLength(20);
    expect(rows).toContainEqual(['update', 317, 'bin', 0, 0.125, 7]);
    expect(rows).toContainEqual(['update', 317, 'exact_zero', 0, 0, 3]);
    expect(rows).toContainEqual(['ratio', 317, 'bin', -0.125, 0, 9]);
  });

  it('is empty where nothing was posted', () => {
    expect(stepDistributionsTable('', anItem({ distributions: [] })).rowCount).toBe(0);
    expect(cell(rowCount, 0)).toBeNull();
  });
});
