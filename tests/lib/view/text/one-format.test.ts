import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => join(folder, path));
}

/** Where numbers and times are put into words; everything else asks these. */
const WRITERS = ['lib/view/text/format-number.ts', 'lib/view/text/wall-time.ts'];
/** A browser's own way of writing: another one in every browser and language. */
const OTHER_WAYS =
  /toLocale\w*String|Intl\.(NumberFormat|DateTimeFormat|RelativeTimeFormat)|\.toExponential\(/;
/** A step between words, as it stands in memory: 12345 where the page writes 12 345. */
const BARE_STEP = /[Ss]teps? \$\{(?!format)[\w.]*[sS]tep\}|>[Ss]tep \{(?!format)[\w.]*[sS]tep\}/;

describe('numbers, steps and times in the pages', () => {
  const sources = [...sourcesIn('app'), ...sourcesIn('lib/view')].filter(
    (path) => !WRITERS.includes(path),
  );

  it.each([
    ['are written in one way', OTHER_WAYS],
    ['name steps with thousands apart', BARE_STEP],
  ])('%s', (_, pattern) => {
    const found = sources.flatMap((path) =>
      readFileSync(join(ROOT, path), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          // What only readers hear is better without thin spaces.
          pattern.test(line) && !line.includes('aria-')
            ? [`${path}:${index + 1} ${line.trim()}`]
            : [],
        ),
    );
    expect(sources.length).toBeGreaterThan(100);
    expect(found).toEqual([]);
  });
});
