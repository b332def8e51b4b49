'use client';

import { readQuestionView, type QuestionView } from '@/lib/view/spikes/spike-question';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { TopBar } from '@/app/_components/top-bar';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useThrottled } from '@/app/_hooks/use-throttled';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { RecurringView } from './recurring-view';
import { SpikesView } from './spikes-view';
import { StagesView } from './stages-view';
import styles from './spikes-page.module.css';

const TYPING_MS = 300;

const VIEWS = [
  { value: 'spikes', label: 'Spikes' },
  { value: 'stages', label: 'Layers and stages' },
  { value: 'recurring', label: 'Recurring batches' },
] as const satisfies readonly { readonly value: QuestionView; label: string }[];

/** Questions to all runs: their spikes, the stages of their layers, batches that hurt several. */
export function SpikesPage() {
  const [parameters, patchUrl] = useUrlState();
  const asked = useThrottled(parameters, TYPING_MS);
  const view = readQuestionView(parameters);
  const show = (next: string) => patchUrl({ view: next === 'spikes' ? null : next }, 'push');
  usePageActions(
    'Spikes of all runs',
    VIEWS.map(({ value, label }) => ({
      label: `Show ${label.toLowerCase()}`,
      run: () => show(value),
    })),
  );
  const views = (
    <SegmentedControl label="What is asked for" options={VIEWS} value={view} onChange={show} />
  );
  const props = { parameters, asked, patchUrl, views };
  return (
    <div className={styles['page']}>
      <TopBar crumbs={[{ label: 'Spikes' }]} />
      {view === 'spikes' ? (
        <SpikesView {...props} />
      ) : view === 'stages' ? (
        <StagesView {...props} />
      ) : (
        <RecurringView {...props} />
      )}
    </div>
  );
}
