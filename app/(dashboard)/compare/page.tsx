import type { Metadata } from 'next';
import { ComparePage } from './_compare/compare-page';

export const metadata: Metadata = { title: 'Two courses compared' };

export default function Page() {
  return <ComparePage />;
}
