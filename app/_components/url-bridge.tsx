'use client';

import { useSearchParams } from 'next/navigation';
import { useEffect } from 'react';
import { notifyUrlChange } from '../_hooks/url-store';

/** Tells the URL store of navigations that Next makes itself, as a link to the same page. */
export function UrlBridge() {
  const parameters = useSearchParams();
  useEffect(() => notifyUrlChange(), [parameters]);
  return null;
}
