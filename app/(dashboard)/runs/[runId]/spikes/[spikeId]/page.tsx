import type { Metadata } from 'next';
import { SpikePage } from './_spike/spike-page';

interface Props {
  readonly params: Promise<{ readonly runId: string; readonly spikeId: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { runId, spikeId } = await params;
  return { title: `Spike ${decodeURIComponent(spikeId)} of ${decodeURIComponent(runId)}` };
}

/** The postmortem of a spike. All data comes from the API. */
export default async function Page({ params }: Props) {
  const { runId, spikeId } = await params;
  // Next hands segments over as they stand in the URL, still encoded.
  return <SpikePage runId={decodeURIComponent(runId)} spikeId={decodeURIComponent(spikeId)} />;
}
