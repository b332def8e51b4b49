'use client';

import Link from 'next/link';
import type { ComparedSide } from '@/lib/view/comparison/compared-sides';
import { formatStep } from '@/lib/view/text/format-number';
import { spikeKindWord } from '@/lib/view/spikes/spike-facts';
import { Button } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { TextField } from '@/app/_components/text-field';
import type { SideData } from './use-side';
import styles from './compare.module.css';

/** Which run, attempt and step a side is; each can be another. */
export function SideControls({
  name,
  side,
  data,
  onChange,
  onForget,
}: {
  readonly name: 'left' | 'right';
  readonly side: ComparedSide;
  readonly data: SideData | null;
  readonly onChange: (side: ComparedSide) => void;
  readonly onForget?: () => void;
}) {
  const attempts = data?.run.attempts ?? [];
  const spikes = data?.spikes ?? [];
  const isOnset = spikes.some(({ onsetStep }) => onsetStep === side.step);
  const page = `/runs/${encodeURIComponent(side.runId)}`;
  return (
    <section
      className={styles['side']}
      data-side={name}
      aria-label={name === 'left' ? 'First course' : 'Second course'}
    >
      <svg width={26} height={8} aria-hidden="true">
        <line x2={26} y1={4} y2={4} className={styles[name]} />
      </svg>
      <Link href={`${page}?step=${side.step}`}>{data?.run.name ?? side.runId}</Link>
      {attempts.length < 2 ? (
        <span>attempt {side.attempt}</span>
      ) : (
        <SelectMenu
          label={`Attempt of the ${name} course`}
          options={attempts.map(({ attempt }) => ({
            value: String(attempt),
            label: `attempt ${attempt}`,
          }))}
          value={String(side.attempt)}
          onChange={(value) => onChange({ ...side, attempt: Number(value) })}
        />
      )}
      <span className={styles['align']}>
        <span>0 at step</span>
        <StepField
          key={side.step}
          label={`Step of the ${name} course that is 0`}
          step={side.step}
          onChange={(step) => onChange({ ...side, step })}
        />
        {spikes.length === 0 ? null : (
          <SelectMenu
            label={`Onset to align the ${name} course at`}
            options={[
              ...(isOnset ? [] : [{ value: '', label: 'At an onset' }]),
              ...spikes.map(({ id, kind, onsetStep }) => ({
                value: String(onsetStep),
                label: `${spikeKindWord(kind)} at ${formatStep(onsetStep)}`,
                id,
              })),
            ].filter(
              ({ value }, index, all) => all.findIndex((one) => one.value === value) === index,
            )}
            value={isOnset ? String(side.step) : ''}
            onChange={(value) => {
              if (value !== '') onChange({ ...side, step: Number(value) });
            }}
          />
        )}
        {onForget === undefined ? null : (
          <Button variant="quiet" onClick={onForget}>
            Another
          </Button>
        )}
      </span>
    </section>
  );
}

/** Taken when it is left or Enter is pressed: half a number is no step. */
function StepField({
  label,
  step,
  onChange,
}: {
  readonly label: string;
  readonly step: number;
  readonly onChange: (step: number) => void;
}) {
  const take = (text: string) => {
    if (/^\d{1,15}$/.test(text) && Number(text) !== step) onChange(Number(text));
  };
  return (
    <TextField
      label={label}
      className={styles['step'] ?? ''}
      inputMode="numeric"
      defaultValue={String(step)}
      onBlur={({ target }) => take(target.value.trim())}
      onKeyDown={(event) => {
        if (event.key === 'Enter') take(event.currentTarget.value.trim());
      }}
    />
  );
}
