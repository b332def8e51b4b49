'use client';

import { useState } from 'react';
import { channelsReplySchema, type AlertChannel } from '@/lib/contract/alert-channels';
import { Button } from '@/app/_components/button';
import { CodeBlock } from '@/app/_components/code-block';
import { Dialog } from '@/app/_components/dialog';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { useApi } from '@/app/_hooks/use-api';
import { changeChannel, channelsPath, deleteChannel, toFault } from './alert-api';
import { ChannelDialog } from './channel-dialog';
import { ChannelRow } from './channel-row';
import { ConfirmDialog } from './confirm-dialog';
import { DeliveriesSection } from './deliveries-section';
import { ListTools } from './list-tools';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';
import formStyles from './form.module.css';

/** What was delivered and given up is seen so soon. */
const REFRESH_MS = 5000;

type Asked =
  | { readonly kind: 'new' }
  | { readonly kind: 'edit' | 'delete'; readonly channel: AlertChannel }
  | { readonly kind: 'secret'; readonly secret: string };

/** Where messages of incidents go, whether they arrive, and those that were given up. */
export function ChannelsPart({
  project,
  now,
}: {
  readonly project: string;
  readonly now: number | null;
}) {
  const channels = useApi(channelsPath(project), channelsReplySchema, { refreshMs: REFRESH_MS });
  const [asked, setAsked] = useState<Asked | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const attempt = async (work: () => Promise<unknown>) => {
    setFault(null);
    try {
      await work();
    } catch (cause) {
      setFault(toFault(cause));
    }
    channels.retry();
  };
  const items = channels.data?.items ?? [];
  return (
    <>
      <div className={styles['tools']}>
        <Button variant="primary" onClick={() => setAsked({ kind: 'new' })}>
          New channel
        </Button>
        <ListTools name="Channels" paths={[channelsPath(project)]} />
      </div>
      {fault === null ? null : (
        <p className={styles['fault']} role="alert">
          {fault}
        </p>
      )}
      {channels.data === null && channels.error !== null ? (
        <ErrorState
          title="The channels could not be read."
          message={channels.error.message}
          onRetry={channels.retry}
        />
      ) : channels.data === null || now === null ? (
        <Skeleton text="Reading the channels." shape="rows" />
      ) : items.length === 0 ? (
        <EmptyState
          title={`Messages of ${project} go nowhere yet.`}
          text="A channel is a webhook, an incoming webhook as Slack has them, or mail. Rules name the channels that they tell."
        />
      ) : (
        <>
          <table className={table['table']} data-list="channels">
            <caption className="visually-hidden">Channels of {project}</caption>
            <thead>
              <tr>
                <th scope="col">Channel</th>
                <th scope="col" data-column="target">
                  Goes to
                </th>
                <th scope="col" data-column="delivered">
                  State
                </th>
                <th scope="col" data-column="on">
                  On
                </th>
                <th scope="col" data-column="actions">
                  <span className="visually-hidden">What can be done</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((channel) => (
                <ChannelRow
                  key={channel.id}
                  channel={channel}
                  now={now}
                  onTested={channels.retry}
                  onToggle={() =>
                    void attempt(() =>
                      changeChannel(project, channel.id, { isEnabled: !channel.isEnabled }),
                    )
                  }
                  onEdit={() => setAsked({ kind: 'edit', channel })}
                  onDelete={() => setAsked({ kind: 'delete', channel })}
                />
              ))}
            </tbody>
          </table>
          <DeliveriesSection project={project} now={now} onChanged={channels.retry} />
        </>
      )}
      {asked?.kind === 'new' || asked?.kind === 'edit' ? (
        <ChannelDialog
          project={project}
          channel={asked.kind === 'edit' ? asked.channel : null}
          canSendEmail={channels.data?.canSendEmail ?? false}
          onSaved={(secret) => {
            channels.retry();
            setAsked(secret === null ? null : { kind: 'secret', secret });
          }}
          onClose={() => setAsked((shown) => (shown?.kind === 'secret' ? shown : null))}
        />
      ) : null}
      {asked?.kind === 'secret' ? (
        <Dialog title="The secret of this webhook" onClose={() => setAsked(null)}>
          {(close) => (
            <>
              <p className={formStyles['hint']}>
                It is shown this once. Your receiver checks with it that a message is ours.
              </p>
              <CodeBlock code={asked.secret} label="Secret" />
              <div className={formStyles['buttons']}>
                <Button variant="primary" onClick={close}>
                  I have kept it
                </Button>
              </div>
            </>
          )}
        </Dialog>
      ) : null}
      {asked?.kind === 'delete' ? (
        <ConfirmDialog
          title={`Delete the channel ${asked.channel.name}`}
          text="Rules that name it no longer tell it. Messages that were given up go with it."
          label="Delete the channel"
          onConfirm={() => void attempt(() => deleteChannel(project, asked.channel.id))}
          onClose={() => setAsked(null)}
        />
      ) : null}
    </>
  );
}
