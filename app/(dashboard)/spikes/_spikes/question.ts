import type { ReactNode } from 'react';
import type { useUrlState } from '@/app/_hooks/use-url-state';

/** What each view of the page is given. */
export interface QuestionProps {
  /** The URL as it is typed, and as it is asked a moment later. */
  readonly parameters: URLSearchParams;
  readonly asked: URLSearchParams;
  readonly patchUrl: ReturnType<typeof useUrlState>[1];
  /** The switch between views, at the head of the toolbar. */
  readonly views: ReactNode;
}

/** Below the verdict while there is no answer; null where the page says what failed. */
export function describeWait(hasFailed: boolean, isUnreadable: boolean): string | null {
  if (isUnreadable) return 'The question cannot be read as it stands.';
  return hasFailed ? null : 'Reading them.';
}
