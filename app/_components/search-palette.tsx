'use client';

import { useRouter } from 'next/navigation';
import { useId, useState } from 'react';
import { runsReplySchema } from '@/lib/contract/reads';
import { formatStep } from '@/lib/view/text/format-number';
import { searchMatches } from '@/lib/view/text/search-matches';
import { apiPath } from '../_hooks/api-client';
import {
  readPageActions,
  readPageSearch,
  type ActionGroup,
  type PageSearch,
  type SearchGroup,
  type SearchItem,
} from '../_hooks/page-actions';
import { useApi } from '../_hooks/use-api';
import { useThrottled } from '../_hooks/use-throttled';
import styles from './search-palette.module.css';

const SHOWN_RUNS = 8;
const SHOWN_ACTIONS = 6;
const SHOWN_ITEMS = 8;
const TYPING_MS = 150;

/** An action as something that is found: its keys are said beside it. */
function actionItems(groups: readonly ActionGroup[]): SearchItem[] {
  return groups.flatMap(({ title, actions }) =>
    actions.flatMap(({ label, keys, run }) =>
      run === undefined ? [] : [{ label, detail: keys?.join(' ') ?? title, go: run }],
    ),
  );
}

/** What is found of the page itself: a step by its number, what can be done, what is on it. */
function findOnPage(
  search: PageSearch,
  actions: readonly SearchItem[],
  typed: string,
): SearchGroup[] {
  const { goToStep } = search;
  const step = /^\d{1,15}$/.test(typed) ? Number(typed) : null;
  return [
    {
      title: 'Steps',
      items:
        step === null || goToStep === null
          ? []
          : [{ label: `Step ${formatStep(step)}`, detail: 'go there', go: () => goToStep(step) }],
    },
    { title: 'Actions', items: searchMatches(actions, typed, SHOWN_ACTIONS) },
    // Thousands of layers are no list to look through: they wait for a word.
    ...search.groups.map(({ title, items }) => ({
      title,
      items: typed.length === 0 ? [] : searchMatches(items, typed, SHOWN_ITEMS),
    })),
  ];
}

/** The content of the palette, while it is open: it holds what the page offered when it did. */
export function SearchPalette({ onClose }: { readonly onClose: () => void }) {
  const router = useRouter();
  const listId = useId();
  const [page] = useState(() => ({
    search: readPageSearch(),
    actions: actionItems(readPageActions()),
  }));
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const typed = text.trim();
  const asked = useThrottled(typed, TYPING_MS);
  const runs = useApi(
    apiPath('/runs', { q: asked.length === 0 ? null : asked, limit: SHOWN_RUNS }),
    runsReplySchema,
    { keepPrevious: true },
  );
  const groups: SearchGroup[] = [
    ...findOnPage(page.search, page.actions, typed),
    {
      title: 'Runs',
      items: (runs.data?.items ?? []).map(({ id, name, project }) => ({
        label: name,
        detail: `run of ${project}`,
        go: `/runs/${encodeURIComponent(id)}`,
      })),
    },
  ].filter(({ items }) => items.length > 0);
  const items = groups.flatMap((group) => group.items);
  const at = Math.min(chosen, items.length - 1);
  const go = (item: SearchItem | undefined) => {
    if (item === undefined) return;
    onClose();
    if (typeof item.go === 'string') router.push(item.go);
    else item.go();
  };
  return (
    <>
      <input
        className={styles['input']}
        // The dialog is open before its content is there, so the content takes the focus itself.
        autoFocus
        role="combobox"
        aria-label="Search"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={items.length === 0 ? undefined : `${listId}-${at}`}
        placeholder={page.search.groups.length === 0 ? PLACEHOLDER : PLACEHOLDER_OF_RUN}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') go(items[at]);
          else if (event.key === 'ArrowDown') setChosen(Math.min(items.length - 1, at + 1));
          else if (event.key === 'ArrowUp') setChosen(Math.max(0, at - 1));
          else return;
          event.preventDefault();
        }}
      />
      <div id={listId} role="listbox" aria-label="Found" className={styles['list']}>
        {groups.map((group) => (
          <div key={group.title} role="group" aria-label={group.title}>
            <p className={styles['group']} aria-hidden>
              {group.title}
            </p>
            {group.items.map((item) => {
              const index = items.indexOf(item);
              return (
                <Option
                  key={`${item.label} ${item.detail}`}
                  id={`${listId}-${index}`}
                  item={item}
                  isChosen={index === at}
                  onChoose={() => setChosen(index)}
                  onGo={() => go(item)}
                />
              );
            })}
          </div>
        ))}
      </div>
      {items.length > 0 ? null : (
        <p className={styles['empty']} role="status">
          {runs.error !== null
            ? runs.error.message
            : runs.isLoading
              ? 'Searching.'
              : 'Nothing is called that.'}
        </p>
      )}
    </>
  );
}

const PLACEHOLDER = 'Search runs and actions';
const PLACEHOLDER_OF_RUN = 'Search runs, layers, metrics, steps, actions';

function Option({
  id,
  item,
  isChosen,
  onChoose,
  onGo,
}: {
  readonly id: string;
  readonly item: SearchItem;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly onGo: () => void;
}) {
  return (
    <div
      id={id}
      ref={(element) => {
        if (isChosen) element?.scrollIntoView({ block: 'nearest' });
      }}
      role="option"
      aria-selected={isChosen}
      className={styles['option']}
      onPointerMove={onChoose}
      onClick={onGo}
    >
      <span>{item.label}</span>
      <span className={styles['detail']}>{item.detail}</span>
    </div>
  );
}
