'use client';

import Link from 'next/link';
import { useState } from 'react';
import { spikeSearchReplySchema } from '@/lib/contract/spike-search';
import { comparePath } from '@/lib/view/comparison/compared-sides';
import { formatStep } from '@/lib/view/text/format-number';
import { spikeKindWord } from '@/lib/view/spikes/spike-facts';
import { TextField } from '@/app/_components/text-field';
import { Mark } from '@/app/_design/marks';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { useThrottled } from '@/app/_hooks/use-throttled';
import type { SideData } from './use-side';
import styles from './compare.module.css';

const SHOWN = 20;
const TYPING_MS = 300;

/** What a side can be compared with: other attempts at the same step, other spikes, other runs. */
export function OtherChoices({ data }: { readonly data: SideData }) {
  const [text, setText] = useState('');
  const q = useThrottled(text.trim(), TYPING_MS);
  const others = useApi(
    apiPath('/spikes', {
      ...{ q: q === '' ? null : q, limit: SHOWN },
      kind: 'loss_spike,divergence,outlier_batch',
    }),
    spikeSearchReplySchema,
    { keepPrevious: true },
  );
  const { side, run } = data;
  const passing = run.attempts.filter(
    ({ attempt, firstStep, lastStep }) =>
      attempt !== side.attempt &&
      (firstStep ?? Infinity) <= side.step &&
      (lastStep ?? -1) >= side.step,
  );
  const own = data.spikes.filter(({ onsetStep }) => onsetStep !== side.step);
  const found = (others.data?.items ?? []).filter((spike) => spike.run.id !== run.id);
  return (
    <div className={styles['tables']}>
      <section aria-labelledby="attempts">
        <h2 id="attempts">
          Other attempts <small>at the same step</small>
        </h2>
        {passing.length === 0 ? (
          <p className={styles['caption']}>No other attempt passed step {formatStep(side.step)}.</p>
        ) : (
          <ul className={styles['choices']}>
            {passing.map(({ attempt, resumeFromStep }) => (
              <li key={attempt}>
                <Link href={comparePath(side, { ...side, attempt })}>
                  attempt {attempt}, from {formatStep(resumeFromStep)}
                </Link>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="own">
        <h2 id="own">Other spikes of {run.name}</h2>
        {own.length === 0 ? (
          <p className={styles['caption']}>This attempt has no other.</p>
        ) : (
          <ul className={styles['choices']}>
            {own.slice(0, SHOWN).map(({ id, kind, onsetStep }) => (
              <li key={id}>
                <Mark kind={kind} />
                <Link href={comparePath(side, { ...side, step: onsetStep })}>
                  {spikeKindWord(kind)} at {formatStep(onsetStep)}
                </Link>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="others">
        <h2 id="others">Spikes of other runs</h2>
        <TextField
          label="Other runs by name, tag, note or /regex/"
          placeholder="Name, tag or /regex/"
          value={text}
          error={others.error?.message ?? null}
          onChange={({ target }) => setText(target.value)}
        />
        {found.length === 0 ? (
          <p className={styles['caption']} role="status">
            {others.isLoading
              ? 'Reading spikes.'
              : (others.error?.message ?? 'No other run has one.')}
          </p>
        ) : (
          <ul className={styles['choices']}>
            {found.map((spike) => (
              <li key={`${spike.run.id} ${spike.id}`}>
                <Mark kind={spike.kind} />
                <Link
                  href={comparePath(side, {
                    ...{ runId: spike.run.id, attempt: spike.attempt, step: spike.onsetStep },
                  })}
                >
                  {spike.run.name} at {formatStep(spike.onsetStep)}
                </Link>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}
