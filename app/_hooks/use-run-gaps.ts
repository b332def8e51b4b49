'use client';

import { useState } from 'react';
import { gapsReplySchema, type GapsReply } from '@/lib/contract/retention';
import type { Run } from '@/lib/contract/runs';
import { apiPath } from './api-client';
import { useApi } from './use-api';

/** A policy lets go what is a day old at least: a younger run need not be asked about. */
const LEAST_AGE_MS = 86_400_000;

/** Which steps of a run a storage policy has let go; null until it is known. */
export function useRunGaps({ id, createdAt }: Pick<Run, 'id' | 'createdAt'>): GapsReply | null {
  const [openedAtMs] = useState(() => Date.now());
  const isOldEnough = openedAtMs - Date.parse(createdAt) >= LEAST_AGE_MS;
  const path = apiPath(`/runs/${encodeURIComponent(id)}/gaps`);
  return useApi(isOldEnough ? path : null, gapsReplySchema).data;
}
