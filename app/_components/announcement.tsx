'use client';

import { useThrottled } from '../_hooks/use-throttled';

/** Arrow keys held down pass dozens of cells a second: what they end at is what is said. */
const PAUSE_MS = 300;

/** A sentence for those who do not see what changed; the same one twice is said once. */
export function Announcement({ text }: { readonly text: string }) {
  return (
    <p className="visually-hidden" role="status" aria-atomic="true">
      {useThrottled(text, PAUSE_MS)}
    </p>
  );
}
