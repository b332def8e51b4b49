import { redirect } from 'next/navigation';

/** The runs are the start page; this address is what one gets by cutting a run's. */
export default function Page(): never {
  redirect('/');
}
