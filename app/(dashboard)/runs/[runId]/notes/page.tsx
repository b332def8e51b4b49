import type { Metadata } from 'next';
import { NotesPage } from './_notes/notes-page';

interface Props {
  readonly params: Promise<{ readonly runId: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Notes on ${decodeURIComponent((await params).runId)}` };
}

/** All that people wrote about a run. */
export default async function Page({ params }: Props) {
  return <NotesPage runId={decodeURIComponent((await params).runId)} />;
}
