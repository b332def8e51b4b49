import type { RunsVerdict } from '@/lib/view/runs/runs-verdict';
import { Mark, colourOfMark } from '@/app/_design/marks';
import { ButtonLink } from '@/app/_components/button';
import { VerdictLine } from '@/app/_components/verdict-line';

/** What needs someone now; until that is known, the place where it will be said. */
export function RunsVerdictLine({
  verdict,
  hasFailed,
}: {
  readonly verdict: RunsVerdict | null;
  /** What failed is said below. */
  readonly hasFailed: boolean;
}) {
  if (verdict === null) {
    return <VerdictLine sentence="Runs" detail={hasFailed ? null : 'Reading how they stand.'} />;
  }
  const { alarm, failedRunId, sentence, detail } = verdict;
  if (failedRunId !== null) {
    return (
      <VerdictLine
        mark={<Mark kind="divergence" size={20} />}
        sentence={sentence}
        detail={detail}
        actions={
          <ButtonLink variant="primary" href={`/runs/${encodeURIComponent(failedRunId)}`}>
            Open the run
          </ButtonLink>
        }
      />
    );
  }
  if (alarm === null) return <VerdictLine sentence={sentence} detail={detail} />;
  return (
    <VerdictLine
      mark={<Mark kind={alarm.kind} size={20} />}
      emphasis={alarm.words}
      emphasisColour={colourOfMark(alarm.kind)}
      sentence={sentence}
      detail={detail}
      actions={
        <ButtonLink variant="primary" href={`/runs/${encodeURIComponent(alarm.runId)}`}>
          Open the run
        </ButtonLink>
      }
    />
  );
}
