'use client';

import { useEffect, useState } from 'react';
import { z } from 'zod';
import { channelsReplySchema } from '@/lib/contract/alert-channels';
import { alertRulesReplySchema } from '@/lib/contract/alert-rules';
import { runsReplySchema } from '@/lib/contract/reads';
import { runMetricsSchema, runSchema, type RunMetrics } from '@/lib/contract/runs';
import { startRuleTexts, toRuleTexts } from '@/lib/view/alerts/alert-form';
import { Button } from '@/app/_components/button';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import { patchUrl } from '@/app/_hooks/url-store';
import { useApi } from '@/app/_hooks/use-api';
import { channelsPath, rulesPath } from './alert-api';
import { RuleEditor } from './rule-editor';

/** A rule is tried on at most so many runs. */
const MOST_RUNS = 64;
/** Metrics are looked for in so many of the newest runs: a new one may have none yet. */
const RUNS_WITH_METRICS = 4;
const nothingSchema = z.object({ items: z.array(z.never()) });

/** Reads what the editor stands on, and only then shows it: what is typed must not move. */
export function RuleEditorPart({
  project,
  ruleId,
}: {
  readonly project: string;
  /** "new" or the id of a rule. */
  readonly ruleId: string;
}) {
  const isNew = ruleId === 'new';
  const rules = useApi(
    isNew ? null : rulesPath(project),
    isNew ? nothingSchema : alertRulesReplySchema,
  );
  const runs = useApi(apiPath('/runs', { project, limit: MOST_RUNS }), runsReplySchema);
  const channels = useApi(channelsPath(project), channelsReplySchema);
  const newest = runs.data?.items.find(({ layerCount }) => layerCount > 0) ?? runs.data?.items[0];
  const run = useApi(
    newest === undefined ? null : apiPath(`/runs/${encodeURIComponent(newest.id)}`),
    runSchema,
  );
  const metrics = useMetrics(
    runs.data?.items.slice(0, RUNS_WITH_METRICS).map(({ id }) => id) ?? null,
  );
  const failure = rules.error ?? runs.error ?? channels.error;
  if (failure !== null) {
    return (
      <ErrorState
        title="What the rule stands on could not be read."
        message={failure.message}
        onRetry={() => {
          rules.retry();
          runs.retry();
          channels.retry();
        }}
      />
    );
  }
  const hasRun = newest === undefined || run.data !== null || run.error !== null;
  if (
    runs.data === null ||
    channels.data === null ||
    metrics === null ||
    !hasRun ||
    (!isNew && rules.data === null)
  ) {
    return <Skeleton text="Reading runs, metrics and channels." shape="rows" />;
  }
  const rule = rules.data?.items.find(({ id }) => id === ruleId) ?? null;
  if (rule === null && !isNew) {
    return (
      <EmptyState title="There is no such rule." text="It may have been deleted.">
        <Button onClick={() => patchUrl({ rule: null })}>All rules</Button>
      </EmptyState>
    );
  }
  return (
    <RuleEditor
      project={project}
      rule={rule}
      start={
        rule === null
          ? startRuleTexts(newest?.lastLoss ?? null, channels.data.items)
          : toRuleTexts(rule)
      }
      runs={runs.data.items}
      newestRun={run.data}
      metrics={metrics}
      channels={channels.data.items}
      canSendEmail={channels.data.canSendEmail}
      onChannelMade={channels.retry}
    />
  );
}

type Names = Pick<RunMetrics, 'scalars' | 'layerMetrics'>;

/** What these runs store together, by name; null before it is known. */
function useMetrics(runIds: readonly string[] | null): Names | null {
  const [names, setNames] = useState<Names | null>(null);
  const key = runIds?.join(' ') ?? null;
  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    const ids = key.split(' ').filter((id) => id !== '');
    const read = (id: string): Promise<Names> =>
      readJson(
        apiPath(`/runs/${encodeURIComponent(id)}/metrics`),
        runMetricsSchema,
        controller.signal,
      ).catch(() => ({ scalars: [], layerMetrics: [] }));
    void Promise.all(ids.map(read)).then((found) => {
      if (controller.signal.aborted) return;
      const all = (pick: (one: Names) => readonly string[]) =>
        [...new Set(found.flatMap(pick))].sort();
      setNames({
        scalars: all(({ scalars }) => scalars),
        layerMetrics: all(({ layerMetrics }) => layerMetrics),
      });
    });
    return () => controller.abort();
  }, [key]);
  return names;
}
