'use client';

import Link from 'next/link';
import { useState } from 'react';
import { prepareFirstPost } from '@/lib/view/text/first-post-snippets';
import { CodeBlock } from '@/app/_components/code-block';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { EmptyState } from '@/app/_components/states';

const LANGUAGES = [
  { value: 'curl', label: 'curl' },
  { value: 'python', label: 'Python' },
] as const;

/** A fresh install: what to run so that a first run stands here. Drawn in the browser only. */
export function FirstPost() {
  const [language, setLanguage] = useState<'curl' | 'python'>('curl');
  const snippets = prepareFirstPost(window.location.origin);
  return (
    <main>
      <h1 className="visually-hidden">Runs</h1>
      <EmptyState
        title="No runs yet. Run this once and the first one appears here, without a reload."
        text={
          <>
            It needs nothing but {language === 'curl' ? 'a shell with curl' : 'Python 3'}; a
            training job posts the same way. <Link href="/api-reference">API reference</Link>
          </>
        }
      >
        <SegmentedControl
          label="Language"
          options={LANGUAGES}
          value={language}
          onChange={setLanguage}
        />
        <CodeBlock code={snippets[language]} label={`A first run, with ${language}`} />
      </EmptyState>
    </main>
  );
}
