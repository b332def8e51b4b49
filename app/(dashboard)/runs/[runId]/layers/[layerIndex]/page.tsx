import type { Metadata } from 'next';
import { LayerPage } from './_layer/layer-page';

interface Props {
  readonly params: Promise<{ readonly runId: string; readonly layerIndex: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { runId, layerIndex } = await params;
  return { title: `Layer ${layerIndex} of ${decodeURIComponent(runId)}` };
}

export default async function Page({ params }: Props) {
  const { runId, layerIndex } = await params;
  // Next hands segments over as they stand in the URL, still encoded.
  return (
    <LayerPage runId={decodeURIComponent(runId)} layerIndex={decodeURIComponent(layerIndex)} />
  );
}
