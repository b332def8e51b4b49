'use client';

import { useState } from 'react';
import { spikeSearchReplySchema, type FoundSpike } from '@/lib/contract/spike-search';
import { writeCsv } from '@/lib/view/text/chart-table';
import { writeCurlCommand } from '@/lib/view/text/curl-command';
import { formatStep } from '@/lib/view/text/format-number';
import { spikesTable } from '@/lib/view/spikes/spike-search-table';
import { Button } from '@/app/_components/button';
import { ChartDialog } from '@/app/_components/chart-menu/chart-dialog';
import { saveFile } from '@/app/_components/chart-menu/save-file';
import { ApiFailure, apiPath, readJson } from '@/app/_hooks/api-client';

const PAGE_SIZE = 1000;
/** A file of more is asked of the API, page by page. */
const MOST_IN_FILE = 10_000;

/** The question as a call of the API, and all that it finds as a file. */
export function QuestionTools({
  path,
  query,
  total = null,
}: {
  readonly path: string;
  readonly query: Readonly<Record<string, string | null>>;
  /** How many rows a file would have; null where none is offered. */
  readonly total?: number | null;
}) {
  const [code, setCode] = useState<string | null>(null);
  const [isWriting, setIsWriting] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const save = async () => {
    setIsWriting(true);
    setFault(null);
    try {
      const spikes = await readAll(query);
      saveFile('spikes.csv', new Blob([...writeCsv(spikesTable(spikes))], { type: 'text/csv' }));
      if (total !== null && total > spikes.length) {
        setFault(`The file holds the first ${formatStep(spikes.length)}.`);
      }
    } catch (cause) {
      setFault(cause instanceof ApiFailure ? cause.message : 'The file could not be written.');
    } finally {
      setIsWriting(false);
    }
  };
  return (
    <>
      <Button
        variant="quiet"
        onClick={() => setCode(writeCurlCommand(window.location.origin, [apiPath(path, query)]))}
      >
        As an API call
      </Button>
      {total === null || total === 0 ? null : (
        <Button variant="quiet" disabled={isWriting} onClick={() => void save()}>
          {isWriting ? 'Reading' : 'CSV'}
        </Button>
      )}
      {fault === null ? null : <span role="alert">{fault}</span>}
      {code === null ? null : (
        <ChartDialog
          content={{ kind: 'code', title: 'This question as an API call', code }}
          onClose={() => setCode(null)}
        />
      )}
    </>
  );
}

async function readAll(query: Readonly<Record<string, string | null>>): Promise<FoundSpike[]> {
  const spikes: FoundSpike[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: FoundSpike[]; nextCursor?: string | undefined } = await readJson(
      apiPath('/spikes', { ...query, limit: PAGE_SIZE, cursor }),
      spikeSearchReplySchema,
    );
    spikes.push(...page.items);
    cursor = page.nextCursor ?? null;
  } while (cursor !== null && spikes.length < MOST_IN_FILE);
  return spikes;
}
