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
