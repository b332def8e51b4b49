'use client';

import { Button } from '@/app/_components/button';
import { apiPath } from '@/app/_hooks/api-client';
import styles from './export-bar.module.css';

/** The postmortem as a file, and on paper. */
export function ExportBar({
  project,
  runId,
  spikeId,
}: {
  readonly project: string;
  readonly runId: string;
  readonly spikeId: string;
}) {
  const path = (format: string): string =>
    apiPath(`/runs/${encodeURIComponent(runId)}/spikes/${encodeURIComponent(spikeId)}/report`, {
      format,
    });
  return (
    <section className={styles['exports']} aria-label="Report">
      <a href={path('html')} target="_blank" rel="noreferrer">
        HTML report
      </a>
      <a href={path('md')} download>
        Markdown
      </a>
      <a href={path('json')} download>
        JSON
      </a>
      <a
        href={apiPath(`/runs/${encodeURIComponent(runId)}/report`)}
        target="_blank"
        rel="noreferrer"
      >
        Run report
      </a>
      <a
        href={apiPath(`/projects/${encodeURIComponent(project)}/report`)}
        target="_blank"
        rel="noreferrer"
      >
        This week in {project}
      </a>
      <Button variant="quiet" onClick={() => window.print()}>
        Print
      </Button>
    </section>
  );
}
