'use client';

import { useMemo, useSyncExternalStore } from 'react';
import { patchUrl, readUrlQuery, subscribeToUrl } from './url-store';

const readOnServer = () => '';

/** The query of the URL and the way to change it; all state of a view lives there. */
export function useUrlState(): readonly [URLSearchParams, typeof patchUrl] {
  const query = useSyncExternalStore(subscribeToUrl, readUrlQuery, readOnServer);
  const parameters = useMemo(() => new URLSearchParams(query), [query]);
  return [parameters, patchUrl];
}
