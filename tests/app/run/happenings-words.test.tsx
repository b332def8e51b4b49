import { createElement as h } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { HappeningsState } from '@/app/(dashboard)/runs/[runId]/_run/model/happenings-state';
import { EventsSection } from '@/app/(dashboard)/runs/[runId]/_run/panel/side-panel';
import { PhoneTabPage } from '@/app/(dashboard)/runs/[runId]/_run/phone-tabs';
import { StageSection } from '@/app/(dashboard)/runs/[runId]/layers/[layerIndex]/_layer/words/stage-section';
import type { Run } from '@/lib/contract/runs';

const FAILED = { kind: 'failed', message: 'the database cannot be reached' } as const;
const nothing = (): void => undefined;
const none = { events: [], spikes: [], warnings: [], onRetry: nothing, onGo: nothing };

const eventsIn = (state: HappeningsState): string =>
  renderToStaticMarkup(h(EventsSection, { ...none, runId: 'a', state, onNote: nothing }));
const spikesIn = (happeningsState: HappeningsState): string =>
  renderToStaticMarkup(
    h(PhoneTabPage, {
      ...{ ...none, tab: 'spikes', run: { id: 'a' } as Run, names: [], happeningsState },
      ...{ missing: null, newestStep: 1, onNote: nothing },
    }),
  );

describe('an empty list of events', () => {
  it('says that nothing was posted only where all was read', () => {
    expect(eventsIn({ kind: 'read' })).toContain('Nothing was posted.');
    for (const state of [{ kind: 'reading' }, FAILED] as const)
      expect(eventsIn(state)).not.toContain('Nothing was posted.');
    expect(eventsIn({ kind: 'reading' })).toContain('Reading spikes and events.');
  });

  it('says why it could not be read, and offers to try again', () => {
    expect(eventsIn(FAILED)).toContain(
      'Spikes and events could not be read: the database cannot be reached.',
    );
    expect(eventsIn(FAILED)).toContain('Try again');
    expect(eventsIn({ kind: 'read' })).not.toContain('Try again');
  });
});

describe('the spikes of a run on a phone', () => {
  it('are none only where all was read', () => {
    expect(spikesIn({ kind: 'read' })).toContain('No spikes are known of this run.');
    expect(spikesIn({ kind: 'reading' })).toContain('Reading the spikes.');
    expect(spikesIn(FAILED)).toContain('The spikes could not be read.');
    for (const state of [{ kind: 'reading' }, FAILED] as const)
      expect(spikesIn(state)).not.toContain('No spikes are known');
  });
});

describe('the stage of a layer', () => {
  it('was told at no step only where stages were read', () => {
    const stageIn = (isReading: boolean): string =>
      renderToStaticMarkup(
        h(StageSection, { reason: null, outlook: null, isReading, failure: null }),
      );
    expect(stageIn(true)).toContain('Reading the stages.');
    expect(stageIn(true)).not.toContain('No stage was told');
    expect(stageIn(false)).toContain('No stage was told at this step.');
  });
});
