import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonFrameSchema } from '@/lib/contract/frames-json';
import { createRunSchema } from '@/lib/contract/runs';
import { prepareFirstPost } from '@/lib/view/text/first-post-snippets';

const ORIGIN = 'http://127.0.0.1:3000';
const framesSchema = z.object({ frames: z.array(jsonFrameSchema).min(1) });

/** What a shell hands to curl: the bodies of -d, in order. */
function bodiesOf(snippet: string): unknown[] {
  const script = `curl() { while [ $# -gt 0 ]; do [ "$1" = -d ] && printf '%s\\036' "$2"; shift; done; }\n${snippet}`;
  const bodies = execFileSync('sh', ['-c', script]).toString().split('\u001e').filter(Boolean);
  return bodies.map((body) => JSON.parse(body));
}

describe('the first post', () => {
  it('sends by curl what the contract accepts', () => {
    const [run, frames] = bodiesOf(prepareFirstPost(ORIGIN).curl);
    expect(createRunSchema.safeParse(run).error).toBeUndefined();
    expect(framesSchema.safeParse(frames).error).toBeUndefined();
    const { layers } = createRunSchema.parse(run);
    for (const frame of framesSchema.parse(frames).frames)
      expect(frame.layers?.['gradient_norm']).toHaveLength(layers.length);
  });

  it('asks for a token only where the server does', () => {
    for (const origin of [ORIGIN, 'http://localhost:3000', 'http://[::1]:3000']) {
      const { curl, python } = prepareFirstPost(origin);
      expect(curl + python).not.toContain('TOKEN');
    }
    const { curl, python } = prepareFirstPost('https://spikes.example.org');
    expect(bodiesOf(curl)).toHaveLength(2);
    expect(curl.match(/Bearer \$SPIKESCOPE_TOKEN/g)).toHaveLength(2);
    expect(python).toContain('import json, os, urllib.request');
    expect(python).toContain('https://spikes.example.org/api/v1');
  });
});
