import type { Metadata } from 'next';
import { AlertsPage } from './_alerts/alerts-page';

export const metadata: Metadata = { title: 'Alerts' };

/** What rules have found, the rules, and where their messages go. */
export default function Page() {
  return <AlertsPage />;
}
