'use client';

import { useState } from 'react';
import { channelsReplySchema, type AlertChannel } from '@/lib/contract/alert-channels';
import { useApi } from '@/app/_hooks/use-api';
import { changeChannel, channelsPath, deleteChannel } from './alert-api';
import { useAttempt } from './attempt';
import { ChannelDialog } from './channel-dialog';
import { ChannelRow } from './channel-row';
import { ConfirmDialog } from './confirm-dialog';
import { DeliveriesSection } from './deliveries-section';
import { ListPart } from './list-part';
import { NewChannel } from './new-channel';
import { TableHead } from './table-parts';
import table from './alerts-table.module.css';

/** What was delivered and given up is seen so soon. */
const REFRESH_MS = 5000;
const COLUMNS = [
  { key: 'title', label: 'Channel' },
  { key: 'target', label: 'Goes to' },
  { key: 'delivered', label: 'State' },
  { key: 'on', label: 'On' },
  { key: 'actions', label: 'What can be done' },
] as const;

type Asked =
  { readonly kind: 'new' } | { readonly kind: 'edit' | 'delete'; readonly channel: AlertChannel };

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
  const [fault, attempt] = useAttempt(channels.retry);
  const items = channels.data?.items ?? [];
  const canSendEmail = channels.data?.canSendEmail ?? false;
  return (
    <>
      <ListPart
        noun="channel"
        path={channelsPath(project)}
        reply={channels}
        isReady={now !== null}
        fault={fault}
        onNew={() => setAsked({ kind: 'new' })}
        empty={{
          title: `Messages of ${project} go nowhere yet.`,
          text: 'A channel is a webhook, an incoming webhook as Slack has them, or mail. Rules name the channels that they tell.',
        }}
      >
        <table className={table['table']} data-list="channels">
          <caption className="visually-hidden">Channels of {project}</caption>
          <TableHead columns={COLUMNS} />
          <tbody>
            {items.map((channel) => (
              <ChannelRow
                key={channel.id}
                channel={channel}
                now={now ?? 0}
                onTested={channels.retry}
                onToggle={() =>
                  attempt(() =>
                    changeChannel(project, channel.id, { isEnabled: !channel.isEnabled }),
                  )
                }
                onEdit={() => setAsked({ kind: 'edit', channel })}
                onDelete={() => setAsked({ kind: 'delete', channel })}
              />
            ))}
          </tbody>
        </table>
        <DeliveriesSection project={project} now={now ?? 0} onChanged={channels.retry} />
      </ListPart>
      {asked?.kind === 'new' ? (
        <NewChannel
          project={project}
          canSendEmail={canSendEmail}
          onMade={channels.retry}
          onClose={() => setAsked(null)}
        />
      ) : null}
      {asked?.kind === 'edit' ? (
        <ChannelDialog
          project={project}
          channel={asked.channel}
          canSendEmail={canSendEmail}
          onSaved={() => {
            channels.retry();
            setAsked(null);
          }}
          onClose={() => setAsked(null)}
        />
      ) : null}
      {asked?.kind === 'delete' ? (
        <ConfirmDialog
          title={`Delete the channel ${asked.channel.name}`}
          text="Rules that name it no longer tell it. Messages that were given up go with it."
          label="Delete the channel"
          onConfirm={() => attempt(() => deleteChannel(project, asked.channel.id))}
          onClose={() => setAsked(null)}
        />
      ) : null}
    </>
  );
}
