'use client';

import { noteHistoryReplySchema } from '@/lib/contract/notes';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { Markdown } from '../markdown';
import { LocalTime } from './local-time';
import styles from './notes.module.css';

/** All that a note ever said, the newest first. */
export function NoteHistory({ path }: { readonly path: string }) {
  const { data, error } = useApi(apiPath(`${path}/history`), noteHistoryReplySchema);
  if (error !== null) {
    return (
      <p role="alert" className={styles['fault']}>
        {error.message}
      </p>
    );
  }
  return (
    <ol className={styles['history']} aria-label="Earlier texts">
      {data?.items.slice(1).map(({ revision, author, markdown, writtenAt }) => (
        <li key={revision}>
          <p className={styles['byline']}>
            {author}, <LocalTime iso={writtenAt} />
          </p>
          <Markdown source={markdown} />
        </li>
      ))}
    </ol>
  );
}
