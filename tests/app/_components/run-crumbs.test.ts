import { describe, expect, it } from 'vitest';
import { PENDING_CRUMB } from '@/app/_components/crumbs';
import { runCrumbs } from '@/app/_components/run-crumbs';

const run = { id: 'a b', name: 'night run', project: 'char & lm' };

describe('where a page of a run is', () => {
  it('leads from the project to the run that is open', () => {
    expect(runCrumbs(run)).toEqual([
      { label: 'char & lm', href: '/?project=char%20%26%20lm' },
      { label: 'night run' },
    ]);
  });

  it('leads back to the run from a part of it', () => {
    expect(runCrumbs(run, 'layer 3').slice(1)).toEqual([
      { label: 'night run', href: '/runs/a%20b' },
      { label: 'layer 3' },
    ]);
  });

  it('keeps the places of names that are not read yet, and writes no other word there', () => {
    expect(runCrumbs(null)).toHaveLength(runCrumbs(run).length);
    expect(runCrumbs(null, 'Notes')).toEqual([PENDING_CRUMB, PENDING_CRUMB, { label: 'Notes' }]);
  });
});
