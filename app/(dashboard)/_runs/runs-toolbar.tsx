'use client';

import type { Ref } from 'react';
import { joinNames } from '@/lib/contract/name-list';
import {
  runSortSchema,
  type ProjectsReply,
  type RunSort,
  type TagsReply,
} from '@/lib/contract/reads';
import { runStateSchema } from '@/lib/contract/run-state';
import { STATUS_LABELS } from '@/lib/view/runs/runs-list';
import { NEWEST_FIRST, type RunsFilter } from '@/lib/view/runs/runs-filter';
import { Icon } from '@/app/_design/icons';
import { SelectMenu } from '@/app/_components/select-menu';
import { TextField } from '@/app/_components/text-field';
import styles from './runs-page.module.css';

const STATUS_OPTIONS = [{ value: '', label: 'Any status' }, ...STATUS_LABELS] as const;

const SPIKE_OPTIONS = [
  { value: '', label: 'Any events' },
  { value: 'any', label: 'With loss spikes' },
  { value: 'open', label: 'Open spikes' },
  { value: 'never_recovered', label: 'Never recovered' },
  { value: 'none', label: 'No loss spikes' },
] as const;

const GROUP_OPTIONS = [
  { value: 'project', label: 'By project' },
  { value: 'none', label: 'One list' },
] as const;

/** Where there are no heads to click: the orders that people ask for. */
const SORT_OPTIONS: readonly { readonly value: RunSort; readonly label: string }[] = [
  { value: '-created', label: 'Newest first' },
  { value: 'name', label: 'Name' },
  { value: 'state', label: 'Status' },
  { value: '-spikes', label: 'Most loss spikes' },
  { value: '-stage', label: 'Worst stage' },
  { value: 'loss', label: 'Lowest loss' },
  { value: '-loss', label: 'Highest loss' },
  { value: '-step', label: 'Most steps' },
  { value: '-speed', label: 'Fastest' },
  { value: '-heard', label: 'Heard last' },
];

type Patch = Readonly<Record<string, string | null>>;

/** Search and filters over the runs; each is a parameter of the URL. */
export function RunsToolbar({
  searchRef,
  filter,
  searchFault,
  projects,
  tags,
  showing,
  onPatch,
}: {
  readonly searchRef: Ref<HTMLInputElement>;
  readonly filter: RunsFilter;
  /** What is wrong with the search, in words. */
  readonly searchFault: string | null;
  readonly projects: ProjectsReply['items'];
  readonly tags: TagsReply['items'];
  readonly showing: string;
  /** `isStep` is whether the back button undoes it. */
  readonly onPatch: (patch: Patch, isStep: boolean) => void;
}) {
  const choose = (name: string, value: string) => onPatch({ [name]: value || null }, true);
  const projectNames = new Set([
    ...projects.map(({ name }) => name),
    ...(filter.project === null ? [] : [filter.project]),
  ]);
  const freeTags = tags.filter(({ name }) => !filter.tags.includes(name));
  const setTags = (next: readonly string[]) => choose('tags', joinNames(next));
  return (
    <div className={styles['toolbar']}>
      <TextField
        ref={searchRef}
        label="Search runs by name, tag, note or /regex/"
        placeholder="Name, tag or /regex/"
        className={styles['search'] ?? ''}
        value={filter.search}
        error={searchFault}
        onChange={({ target }) => onPatch({ q: target.value || null }, false)}
      />
      <div className={styles['menus']}>
        <SelectMenu
          label="Status"
          options={STATUS_OPTIONS}
          value={filter.state ?? ''}
          onChange={(value) => {
            const state = runStateSchema.safeParse(value);
            choose('status', state.success ? state.data : '');
          }}
        />
        {projectNames.size < 2 && filter.project === null ? null : (
          <SelectMenu
            label="Project"
            options={[
              { value: '', label: 'Any project' },
              ...Array.from(projectNames, (name) => ({ value: name, label: name })),
            ]}
            value={filter.project ?? ''}
            onChange={(value) => choose('project', value)}
          />
        )}
        {freeTags.length === 0 ? null : (
          <SelectMenu
            label="Tags"
            options={[
              { value: '', label: filter.tags.length === 0 ? 'Any tags' : 'And tag' },
              ...freeTags.map(({ name, runCount }) => ({
                value: name,
                label: `${name} (${runCount})`,
              })),
            ]}
            value=""
            onChange={(value) => {
              if (value !== '') setTags([...filter.tags, value]);
            }}
          />
        )}
        {filter.tags.map((tag) => (
          <button
            key={tag}
            type="button"
            className={styles['tag']}
            title={`Runs with the tag ${tag} only`}
            aria-label={`No longer only the tag ${tag}`}
            onClick={() => setTags(filter.tags.filter((other) => other !== tag))}
          >
            {tag}
            <Icon name="close" size={9} />
          </button>
        ))}
        <SelectMenu
          label="Events"
          options={SPIKE_OPTIONS}
          value={filter.spikes ?? ''}
          onChange={(value) => choose('spikes', value)}
        />
        <SelectMenu
          label="Grouping"
          options={GROUP_OPTIONS}
          value={filter.isGrouped ? 'project' : 'none'}
          onChange={(value) => choose('group', value === 'none' ? 'none' : '')}
        />
        <span className={styles['sort']}>
          <SelectMenu
            label="Order"
            options={
              SORT_OPTIONS.some(({ value }) => value === filter.sort)
                ? SORT_OPTIONS
                : [...SORT_OPTIONS, { value: filter.sort, label: filter.sort }]
            }
            value={filter.sort}
            onChange={(value) => {
              const sort = runSortSchema.parse(value);
              choose('sort', sort === NEWEST_FIRST ? '' : sort);
            }}
          />
        </span>
      </div>
      {searchFault === null ? null : (
        <span className={styles['fault']} role="status">
          {searchFault}
        </span>
      )}
      <span className={styles['showing']} role="status">
        {showing}
      </span>
    </div>
  );
}
