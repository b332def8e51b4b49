'use client';

import { useSyncExternalStore } from 'react';
import type { Run } from '@/lib/contract/runs';
import { formatStep } from '@/lib/view/text/format-number';
import { CodeBlock } from '@/app/_components/code-block';
import { EmptyState } from '@/app/_components/states';

const never = () => () => undefined;

/** What a training job has to run, with this run's own address in it. */
export function EmptyRun({ run }: { readonly run: Run }) {
  const origin = useSyncExternalStore(
    never,
    () => window.location.origin,
    () => '',
  );
  const layer = '0.0';
  const values =
    run.layerCount <= 4
      ? `[${Array.from({ length: run.layerCount }, () => layer).join(', ')}]`
      : `[${layer}] * ${run.layerCount}`;
  const frame = `{"step": ${run.nextStep}, "loss": 4.9, "layers": {"gradient_norm": ${values}}}`;
  const code = `import json, urllib.request as http
body = json.dumps({"frames": [${frame}]}).encode()
http.urlopen(http.Request("${origin}/api/v1/runs/${encodeURIComponent(run.id)}/frames", body, {"Content-Type": "application/json"}))`;
  return (
    <EmptyState
      title="No frames yet. Run these three lines in the training job."
      text={`They post one step; the values are yours to put in, one gradient norm for ${run.layerCount === 1 ? 'the one layer' : `each of the ${formatStep(run.layerCount)} layers`}. This page shows it as soon as it arrives.`}
    >
      <CodeBlock label="Post a step, Python standard library" code={code} />
    </EmptyState>
  );
}
