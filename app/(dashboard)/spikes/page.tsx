import type { Metadata } from 'next';
import { SpikesPage } from './_spikes/spikes-page';

export const metadata: Metadata = { title: 'Spikes of all runs' };

export default function Page() {
  return <SpikesPage />;
}
