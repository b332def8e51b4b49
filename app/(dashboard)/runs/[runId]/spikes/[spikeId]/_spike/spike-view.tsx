'use client';

import Link from 'next/link';
import type { Postmortem } from '@/lib/contract/postmortem';
import type { Run } from '@/lib/contract/runs';
import { comparePath } from '@/lib/view/comparison/compared-sides';
import { formatStep } from '@/lib/view/text/format-number';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { prepareSpikeFacts, spikeKindWord } from '@/lib/view/spikes/spike-facts';
import { runCrumbs } from '@/app/_components/run-crumbs';
import { TopBar } from '@/app/_components/top-bar';
import { Mark } from '@/app/_design/marks';
import { useMedia } from '@/app/_hooks/use-media';
import { useTabSign } from '@/app/_hooks/use-tab-sign';
import { DistributionsSection } from './distributions-section';
import { EvidenceList } from './evidence-list';
import { ExportBar } from './export-bar';
import { LeadLagTable } from './lead-lag-table';
import { LocalTime } from '@/app/_components/notes/local-time';
import { MoversTable } from './movers-table';
import { NotesSection } from './notes-section';
import { RemediesList } from './remedies-list';
import { SpikeFigures } from './spike-figures';
import styles from './spike-view.module.css';

/** As in the style sheet. */
const ONE_COLUMN = '(max-width: 900px)';

/** Figures at the left, facts at the right; one column on a phone and on paper. */
export function SpikeView({
  postmortem,
  layers,
  onChanged,
}: {
  readonly postmortem: Postmortem;
  readonly layers: Run['layers'];
  /** A note was written. */
  readonly onChanged: () => void;
}) {
  const { run, spike, place, onsetAt, sentences } = postmortem;
  // In one column what is told in full waits until what there is to do was said.
  const isNarrow = useMedia(ONE_COLUMN);
  const base = `/runs/${encodeURIComponent(run.id)}`;
  const names = shortLayerNames(layers.map(({ name }) => name));
  const word = spikeKindWord(spike.kind);
  const side = { runId: run.id, attempt: spike.attempt, step: spike.onsetStep };
  useTabSign(`${word} ${place.index} of ${run.name} · Spikescope`, null);
  const runHref = `${base}?steps=${postmortem.fromStep}-${postmortem.toStep}&step=${spike.onsetStep}`;
  return (
    <>
      <TopBar crumbs={runCrumbs(run, `${word} ${place.index}`)} />
      <main className={styles['page']}>
        <header className={styles['head']}>
          <p className={styles['kicker']}>
            <Mark kind={spike.kind} />
            Postmortem · {word} {place.index} of {place.count} · attempt {spike.attempt}
            {onsetAt === null ? null : (
              <>
                {' · '}
                <LocalTime iso={onsetAt} />
              </>
            )}
          </p>
          <h1>{postmortem.headline}</h1>
          <p className={styles['decision']}>{postmortem.decision}</p>
          <p className={styles['lead']}>
            {sentences
              .filter(({ kind }) => kind === 'course' || kind === 'precursor')
              .slice(0, 2)
              .map(({ text }) => text)
              .join(' ')}
          </p>
          <nav className={styles['ways']} aria-label="From here">
            <Link href={runHref}>
              Steps {formatStep(postmortem.fromStep)} to {formatStep(postmortem.toStep)} in the run
            </Link>
            <Link href={comparePath(side)}>Compare with another run or attempt</Link>
          </nav>
        </header>
        <div className={styles['figures']}>
          <SpikeFigures postmortem={postmortem} layers={layers} names={names} />
          {isNarrow ? null : <EvidenceList postmortem={postmortem} />}
        </div>
        <div className={styles['side']}>
          <dl className={styles['facts']}>
            {prepareSpikeFacts(spike, postmortem.hasEnded, postmortem.watchedSteps).map(
              ({ label, value, after }) => (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>
                    {value}
                    {after === undefined ? null : <small> {after}</small>}
                  </dd>
                </div>
              ),
            )}
          </dl>
          <MoversTable postmortem={postmortem} />
          <RemediesList postmortem={postmortem} />
          {isNarrow ? <EvidenceList postmortem={postmortem} /> : null}
          <LeadLagTable postmortem={postmortem} />
          <NotesSection
            runId={run.id}
            spikeId={spike.id}
            notes={postmortem.notes}
            onChanged={onChanged}
          />
          <ExportBar project={run.project} runId={run.id} spikeId={spike.id} />
        </div>
        <DistributionsSection postmortem={postmortem} />
      </main>
    </>
  );
}
