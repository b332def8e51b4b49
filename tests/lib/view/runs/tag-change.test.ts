import { describe, expect, it } from 'vitest';
import {
  NO_TAG_CHANGE,
  addTags,
  applyTagChange,
  findTagFault,
  prepareEditedTags,
  removeTag,
} from '@/lib/view/runs/tag-change';

const runs = [{ tags: ['char', 'keep'] }, { tags: ['keep'] }];

describe('tags of several runs', () => {
  it('are shown once, with how many have those that not all have', () => {
    expect(prepareEditedTags(runs, NO_TAG_CHANGE)).toEqual([
      { name: 'char', share: '1 of 2' },
      { name: 'keep', share: null },
    ]);
  });

  it('are added to all and taken from all', () => {
    const change = removeTag(addTags(NO_TAG_CHANGE, ' wide , char,'), 'keep');
    expect(runs.map((run) => applyTagChange(run, change))).toEqual([
      ['char', 'wide'],
      ['wide', 'char'],
    ]);
    expect(prepareEditedTags(runs, change).map(({ name }) => name)).toEqual(['char', 'wide']);
  });

  it('come back when they are typed again after they were taken away', () => {
    const change = addTags(removeTag(NO_TAG_CHANGE, 'keep'), 'keep');
    expect(applyTagChange({ tags: ['keep'] }, change)).toEqual(['keep']);
    expect(applyTagChange({ tags: ['a'] }, removeTag(addTags(NO_TAG_CHANGE, 'b'), 'b'))).toEqual([
      'a',
    ]);
  });

  it('are refused before the server has to', () => {
    expect(findTagFault(runs, addTags(NO_TAG_CHANGE, 'fine'))).toBeNull();
    expect(findTagFault(runs, addTags(NO_TAG_CHANGE, 'x'.repeat(65)))).toMatch(
      /65 characters long; a tag has at most 64/,
    );
    const many = Array.from({ length: 63 }, (_, index) => `t${index}`).join(',');
    expect(findTagFault(runs, addTags(NO_TAG_CHANGE, many))).toBe('65 tags; a run has at most 64.');
  });
});
