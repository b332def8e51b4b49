'use client';

import type { ReactNode } from 'react';
import { Button } from '@/app/_components/button';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import type { ApiResult } from '@/app/_hooks/use-api';
import { Fault } from './attempt';
import { ListTools } from './list-tools';
import styles from './alerts-page.module.css';

/** A list that belongs to a project: what makes a new one, what failed, and the rows or why there are none. */
export function ListPart<Reply extends { readonly items: readonly unknown[] }>({
  noun,
  path,
  reply,
  isReady,
  fault,
  onNew,
  empty,
  children,
}: {
  /** "rule": there is a button for a new one. */
  readonly noun: string;
  readonly path: string;
  readonly reply: ApiResult<Reply>;
  /** Whether ages can be told. */
  readonly isReady: boolean;
  readonly fault: string | null;
  readonly onNew: () => void;
  readonly empty: { readonly title: string; readonly text: string };
  readonly children: ReactNode;
}) {
  const { data, error, retry } = reply;
  const create = (
    <Button variant="primary" onClick={onNew}>
      New {noun}
    </Button>
  );
  const isEmpty = data?.items.length === 0;
  return (
    <>
      <div className={styles['tools']}>
        {isEmpty ? null : create}
        <ListTools name={`${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`} paths={[path]} />
      </div>
      <Fault text={fault} />
      {data === null && error !== null ? (
        <ErrorState
          title={`The ${noun}s could not be read.`}
          message={error.message}
          onRetry={retry}
        />
      ) : data === null || !isReady ? (
        <Skeleton text={`Reading the ${noun}s.`} shape="rows" />
      ) : isEmpty ? (
        <EmptyState title={empty.title} text={empty.text}>
          {create}
        </EmptyState>
      ) : (
        children
      )}
    </>
  );
}
