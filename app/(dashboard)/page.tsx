import type { Metadata } from 'next';
import { RunsPage } from './_runs/runs-page';

export const metadata: Metadata = { title: { absolute: 'Runs · Spikescope' } };

export default function Page() {
  return <RunsPage />;
}
