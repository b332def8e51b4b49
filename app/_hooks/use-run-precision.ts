'use client';

import { useState } from 'react';
import { runSizeReplySchema, type RunSizeReply } from '@/lib/contract/projects';
import type { Run } from '@/lib/contract/runs';
import { apiPath } from './api-client';
import { useApi } from './use-api';

/** A policy rounds what is a day old at least: a younger run need not be asked about. */
const LEAST_AGE_MS = 86_400_000;

/**
 * How many digits of a run's values are kept; null until it is known, and where it cannot be
 * otherwise than all of them. Measured over the whole run, so asked once, by who reads values.
 */
export function useRunPrecision(
  { id, createdAt }: Pick<Run, 'id' | 'createdAt'>,
  isWanted: boolean,
): RunSizeReply['precision'] | null {
  const [openedAtMs] = useState(() => Date.now());
  const isOldEnough = openedAtMs - Date.parse(createdAt) >= LEAST_AGE_MS;
  const path = apiPath(`/runs/${encodeURIComponent(id)}/size`);
  const { data } = useApi(isWanted && isOldEnough ? path : null, runSizeReplySchema);
  return data?.precision ?? null;
}
