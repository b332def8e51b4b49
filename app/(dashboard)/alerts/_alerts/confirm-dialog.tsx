'use client';

import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import form from '@/app/_components/form.module.css';

/** Asks before something is gone. */
export function ConfirmDialog({
  title,
  text,
  label,
  onConfirm,
  onClose,
}: {
  readonly title: string;
  readonly text: string;
  readonly label: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      {(close) => (
        <>
          <p className={form['hint']}>{text}</p>
          <div className={form['buttons']}>
            <Button
              variant="primary"
              onClick={() => {
                onConfirm();
                close();
              }}
            >
              {label}
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
