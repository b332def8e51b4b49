import type { Metadata } from 'next';
import { ButtonLink } from './_components/button';
import { ErrorState } from './_components/states';
import { TopBar } from './_components/top-bar';

export const metadata: Metadata = { title: 'Nothing here' };

/** An address that no page has. */
export default function NotFound() {
  return (
    <>
      <TopBar crumbs={[{ label: 'Nothing here' }]} />
      <main>
        <h1 className="visually-hidden">Nothing here</h1>
        <ErrorState
          title="There is no page at this address."
          message="A run stands at /runs/ and its id, a layer behind that at /layers/ and its number. Search finds both by name."
        >
          <ButtonLink href="/">All runs</ButtonLink>
        </ErrorState>
      </main>
    </>
  );
}
