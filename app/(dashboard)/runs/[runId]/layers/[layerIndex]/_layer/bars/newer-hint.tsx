'use client';

import { distributionsReplySchema } from '@/lib/contract/reads';
import { formatStep } from '@/lib/view/text/format-number';
import { Button } from '@/app/_components/button';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';

/** Says that newer distributions have come and offers to go there; it moves nothing itself. */
export function NewerHint({
  runId,
  layerIndex,
  runLastStep,
  shownUpTo,
  onShow,
}: {
  readonly runId: string;
  readonly layerIndex: number;
  readonly runLastStep: number | null;
  /** The last step that was there when the page was opened or brought up to date. */
  readonly shownUpTo: number;
  readonly onShow: (step: number) => void;
}) {
  const isAsked = runLastStep !== null && runLastStep > shownUpTo;
  const newest = useApi(
    isAsked
      ? apiPath(`/runs/${encodeURIComponent(runId)}/layers/${layerIndex}/distributions`, {
          step: runLastStep,
        })
      : null,
    distributionsReplySchema,
    { keepPrevious: true },
  );
  const step = newest.data?.items.at(-1)?.step ?? null;
  if (step === null || step <= shownUpTo) return null;
  return (
    <span role="status">
      Newer distributions up to {formatStep(step)}.{' '}
      <Button variant="link" onClick={() => onShow(step)}>
        Go there
      </Button>
    </span>
  );
}
