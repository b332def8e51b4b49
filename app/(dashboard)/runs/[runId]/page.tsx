import type { Metadata } from 'next';
import { RunPage } from './_run/run-page';

interface Props {
  readonly params: Promise<{ readonly runId: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).runId) };
}

/** A run: spike timeline over the layer × step heatmap. All data comes from the API. */
export default async function Page({ params }: Props) {
  return <RunPage runId={decodeURIComponent((await params).runId)} />;
}
