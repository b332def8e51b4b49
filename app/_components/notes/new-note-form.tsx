'use client';

import { useState } from 'react';
import { apiPath, sendJson } from '@/app/_hooks/api-client';
import { SelectMenu } from '../select-menu';
import { TextField } from '../text-field';
import { NoteForm } from './note-form';

/** What a new note is about, before the person says otherwise. */
export interface NotePlace {
  readonly layer: number | null;
  readonly fromStep: number | null;
  readonly toStep: number | null;
}

export const NOWHERE: NotePlace = { layer: null, fromStep: null, toStep: null };

const NO_LAYER = 'none';
const isStep = (text: string): boolean => /^\d{1,15}$/.test(text);
const toText = (step: number | null): string => (step === null ? '' : String(step));

/** A note about steps, a layer, or both. */
export function NewNoteForm({
  runId,
  layerNames,
  start,
  onKept,
}: {
  readonly runId: string;
  readonly layerNames: readonly string[];
  readonly start: NotePlace;
  readonly onKept: () => void;
}) {
  const [layer, setLayer] = useState(start.layer === null ? NO_LAYER : String(start.layer));
  const [fromStep, setFromStep] = useState(toText(start.fromStep));
  const [toStep, setToStep] = useState(toText(start.toStep));
  const send = (markdown: string, author: string) =>
    sendJson('POST', apiPath(`/runs/${encodeURIComponent(runId)}/notes`), {
      ...{ markdown, author },
      ...(layer === NO_LAYER ? {} : { layer: Number(layer) }),
      ...(isStep(fromStep) ? { fromStep: Number(fromStep) } : {}),
      ...(isStep(toStep) ? { toStep: Number(toStep) } : {}),
    }).then(onKept);
  return (
    <NoteForm label="Keep the note" start="" onSend={send}>
      <TextField
        label="From step"
        placeholder="From step"
        inputMode="numeric"
        value={fromStep}
        onChange={({ target }) => setFromStep(target.value.trim())}
      />
      <TextField
        label="To step"
        placeholder="To step"
        inputMode="numeric"
        value={toStep}
        onChange={({ target }) => setToStep(target.value.trim())}
      />
      {layerNames.length === 0 ? null : (
        <SelectMenu
          label="Layer"
          value={layer}
          options={[
            { value: NO_LAYER, label: 'no layer' },
            ...layerNames.map((name, index) => ({ value: String(index), label: name })),
          ]}
          onChange={setLayer}
        />
      )}
    </NoteForm>
  );
}
