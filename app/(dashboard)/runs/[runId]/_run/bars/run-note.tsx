'use client';

import { NoteDialog } from '@/app/_components/notes/note-dialog';
import type { NotePlace } from '@/app/_components/notes/new-note-form';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useKeyboard } from '@/app/_hooks/use-keyboard';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import type { CrosshairStore } from '../model/crosshair-store';

/** A note about what is looked at: the pinned cell, else the steps shown, else the newest step. */
function placeOf(
  crosshair: CrosshairStore,
  window: StepWindow | null,
  newestStep: number | null,
): NotePlace {
  const at = crosshair.get();
  if (at?.isPinned === true) return { layer: at.layer, fromStep: at.step, toStep: null };
  return window === null
    ? { layer: null, fromStep: newestStep, toStep: null }
    : { layer: null, fromStep: window.fromStep, toStep: window.toStep };
}

export function RunNote({
  runId,
  layerNames,
  crosshair,
  window,
  newestStep,
  isOpen,
  onOpen,
  onKept,
  onClose,
}: {
  readonly runId: string;
  readonly layerNames: readonly string[];
  readonly crosshair: CrosshairStore;
  readonly window: StepWindow | null;
  readonly newestStep: number | null;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
  readonly onKept: () => void;
  readonly onClose: () => void;
}) {
  useKeyboard({
    n: (event) => {
      // The letter is not for the note.
      event.preventDefault();
      onOpen();
    },
  });
  usePageActions('This run', [{ label: 'Write a note', keys: ['N'], run: onOpen }]);
  return isOpen ? (
    <NoteDialog
      runId={runId}
      layerNames={layerNames}
      start={placeOf(crosshair, window, newestStep)}
      onKept={onKept}
      onClose={onClose}
    />
  ) : null;
}
