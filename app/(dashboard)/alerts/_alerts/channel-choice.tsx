'use client';

import type { AlertChannel } from '@/lib/contract/alert-channels';
import type { Faults, RuleTexts } from '@/lib/view/alerts/alert-form';
import { Button } from '@/app/_components/button';
import { Checkbox } from '@/app/_components/checkbox';
import form from '@/app/_components/form.module.css';
import { FieldFault } from './field-fault';
import styles from './rule-editor.module.css';

/** Who is told: channels of the project, and pages that are open. */
export function ChannelChoice({
  channels,
  chosen,
  notifyBrowsers,
  faults,
  onChange,
  onMake,
}: {
  readonly channels: readonly AlertChannel[];
  readonly chosen: readonly string[];
  readonly notifyBrowsers: boolean;
  readonly faults: Faults;
  readonly onChange: (patch: Partial<RuleTexts>) => void;
  /** A channel is wanted that is not there yet. */
  readonly onMake: () => void;
}) {
  return (
    <fieldset className={form['field']}>
      <legend>Who is told</legend>
      {channels.map(({ id, name, target, isEnabled }) => (
        <label key={id} className={styles['option']}>
          <Checkbox
            checked={chosen.includes(id)}
            onChange={({ target: box }) =>
              onChange({
                channelIds: box.checked ? [...chosen, id] : chosen.filter((other) => other !== id),
              })
            }
          />
          <span>
            {name} <small>{isEnabled ? target : 'off'}</small>
          </span>
        </label>
      ))}
      <label className={styles['option']}>
        <Checkbox
          checked={notifyBrowsers}
          onChange={({ target }) => onChange({ notifyBrowsers: target.checked })}
        />
        <span>
          Open pages <small>in browsers where notifications are on</small>
        </span>
      </label>
      {chosen.length > 0 ? null : (
        <p className={form['hint']}>
          {channels.length === 0 ? 'No channel yet' : 'No channel is chosen'}: a rule without one
          stays on the screen.
        </p>
      )}
      <Button variant="link" onClick={onMake}>
        Make a channel
      </Button>
      <FieldFault faults={faults} path="channelIds" />
    </fieldset>
  );
}
