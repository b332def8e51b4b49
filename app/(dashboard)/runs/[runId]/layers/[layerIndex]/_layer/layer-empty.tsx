import { prepareHistogramPost } from '@/lib/view/text/first-post-snippets';
import { ButtonLink } from '@/app/_components/button';
import { CodeBlock } from '@/app/_components/code-block';
import { EmptyState } from '@/app/_components/states';
import { formatStep } from '@/lib/view/text/format-number';

/** No distribution to show: none was ever posted, or none up to the wanted step. */
export function LayerEmpty({
  runHref,
  layerName,
  hasHistograms,
  wantedStep,
  gone,
}: {
  readonly runHref: string;
  readonly layerName: string;
  readonly hasHistograms: boolean;
  readonly wantedStep: number | null;
  /** What a storage policy let go of those before; null where nothing. */
  readonly gone: string | null;
}) {
  if (hasHistograms && wantedStep !== null) {
    return (
      <EmptyState
        title={`${layerName} has no distribution at or before step ${formatStep(wantedStep)}.`}
        text={gone ?? 'Its first one came later, or this layer posts none.'}
      >
        <ButtonLink href={runHref}>Open the run</ButtonLink>
      </EmptyState>
    );
  }
  return (
    <EmptyState
      title="This run posts no distributions. Add histograms of u and r to its frames to see them here."
      text="Or post raw samples of gradient and moments (sample/gradient, sample/first_moment, sample/second_moment): the worker makes the histograms."
    >
      <CodeBlock
        code={prepareHistogramPost()}
        label="Histograms of u and r in a frame, in Python"
      />
      <ButtonLink href={runHref}>Open the run</ButtonLink>
    </EmptyState>
  );
}
