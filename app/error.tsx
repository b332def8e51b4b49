'use client';

import { ButtonLink } from './_components/button';
import { ErrorState } from './_components/states';
import { TopBar } from './_components/top-bar';

/** A page that broke while it was drawn: what can be done, and what to tell those who mend it. */
export default function PageError({
  error,
  reset,
}: {
  readonly error: Error & { readonly digest?: string };
  readonly reset: () => void;
}) {
  return (
    <>
      <TopBar crumbs={[{ label: 'Error' }]} />
      <main>
        <h1 className="visually-hidden">Error</h1>
        <ErrorState
          title="This page could not be drawn."
          message={`${error.message} Nothing that was stored is lost; try again, or reload the page. If it stays, the address above and this sentence are what a report needs.`}
          onRetry={reset}
        >
          <ButtonLink href="/">All runs</ButtonLink>
        </ErrorState>
      </main>
    </>
  );
}
