'use client';

import { useState } from 'react';
import { runsReplySchema } from '@/lib/contract/reads';
import type { Run } from '@/lib/contract/runs';
import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import { TextField } from '@/app/_components/text-field';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { setOther, type OtherChoice } from '../model/use-layer-url';
import styles from './compare-dialog.module.css';

const MOST_RUNS = 30;
const MOST_LAYERS = 100;

/** What to lay over the layer: another layer of its run, or the same layer of another run. */
export function CompareDialog({
  run,
  layerIndex,
  names,
  onClose,
}: {
  readonly run: Run;
  readonly layerIndex: number;
  /** Short names of the run's layers, in model order. */
  readonly names: readonly string[];
  readonly onClose: () => void;
}) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const layers = run.layers
    .map(({ index, name }, position) => ({ index, name, label: names[position] ?? name }))
    .filter(({ index, name }) => index !== layerIndex && name.toLowerCase().includes(wanted));
  const runs = useApi(
    apiPath('/runs', { q: wanted.length === 0 ? null : text.trim(), limit: MOST_RUNS }),
    runsReplySchema,
    { keepPrevious: true },
  );
  const others = runs.data?.items.filter(({ id }) => id !== run.id) ?? [];
  return (
    <Dialog title="Compare with" isWide onClose={onClose}>
      {(close) => {
        const choose = (other: OtherChoice) => {
          setOther(other);
          close();
        };
        return (
          <>
            <TextField
              label="Search layers and runs"
              placeholder="Search layers and runs"
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
            <div className={styles['lists']}>
              <section aria-label="Layers of this run">
                <h3>Layers of this run</h3>
                <ul>
                  {layers.slice(0, MOST_LAYERS).map(({ index, label }) => (
                    <li key={index}>
                      <button
                        type="button"
                        onClick={() => choose({ runId: null, layerIndex: index })}
                      >
                        {label}
                      </button>
                    </li>
                  ))}
                </ul>
                {layers.length === 0 ? <p>No other layer has this in its name.</p> : null}
                {layers.length > MOST_LAYERS ? (
                  <p>
                    {MOST_LAYERS} of {layers.length} layers: search for the others.
                  </p>
                ) : null}
              </section>
              <section aria-label="The same layer of another run">
                <h3>The same layer of another run</h3>
                <ul>
                  {others.map(({ id, name, project }) => (
                    <li key={id}>
                      <button type="button" onClick={() => choose({ runId: id, layerIndex: null })}>
                        {name} <span>{project}</span>
                      </button>
                    </li>
                  ))}
                </ul>
                {runs.error !== null ? (
                  <p role="alert">Runs could not be read: {runs.error.message}</p>
                ) : runs.data !== null && others.length === 0 ? (
                  <p>No other run matches.</p>
                ) : runs.data !== null && runs.data.total > others.length + 1 ? (
                  <p>
                    {others.length} of {runs.data.total} runs: search for the others.
                  </p>
                ) : null}
              </section>
            </div>
            <div>
              <Button onClick={() => close()}>Cancel</Button>
            </div>
          </>
        );
      }}
    </Dialog>
  );
}
