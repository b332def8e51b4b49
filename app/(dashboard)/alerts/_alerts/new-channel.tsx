'use client';

import { useState } from 'react';
import { Button } from '@/app/_components/button';
import { CodeBlock } from '@/app/_components/code-block';
import { Dialog } from '@/app/_components/dialog';
import form from '@/app/_components/form.module.css';
import { ChannelDialog } from './channel-dialog';

/** A channel is made, then the secret that the server made for it is shown this once. */
export function NewChannel({
  project,
  canSendEmail,
  onMade,
  onClose,
}: {
  readonly project: string;
  readonly canSendEmail: boolean;
  readonly onMade: (channelId: string) => void;
  readonly onClose: () => void;
}) {
  const [secret, setSecret] = useState<string | null>(null);
  if (secret === null) {
    return (
      <ChannelDialog
        project={project}
        channel={null}
        canSendEmail={canSendEmail}
        onSaved={(made) => {
          if (made !== null) onMade(made.id);
          if (made?.secret === undefined) onClose();
          else setSecret(made.secret);
        }}
        onClose={onClose}
      />
    );
  }
  return (
    <Dialog title="The secret of this webhook" isFirm onClose={onClose}>
      {(close) => (
        <>
          <p className={form['hint']}>
            It is shown this once. Your receiver checks with it that a message is ours.
          </p>
          <CodeBlock code={secret} label="Secret" />
          <div className={form['buttons']}>
            <Button variant="primary" onClick={close}>
              I have kept it
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
