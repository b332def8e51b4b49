import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sign } from '@/workers/alerts/deliver/sign';
import { webhookBodySchema } from '@/workers/alerts/deliver/webhook-body';

const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');

/** The block marked ```LANGUAGE NAME. */
function block(marked: string): string {
  const text = new RegExp(`\`\`\`${marked}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (text === undefined) throw new Error(`docs/alerts.md has no block ${marked}`);
  return text;
}

const SECRET = 'a secret of sixteen and more';
const BODY = '{"title":"grün & <b>"}';
const ANOTHER = '{"title":"grün & <b>!"}';
const now = new Date();
const header = sign(SECRET, BODY, now);
const old = sign(SECRET, BODY, new Date(now.getTime() - 301_000));
const CASES: readonly [title: string, secret: string, header: string, body: string, ok: boolean][] =
  [
    ['a message as it was sent', SECRET, header, BODY, true],
    ['another body', SECRET, header, ANOTHER, false],
    ['another secret', `${SECRET}.`, header, BODY, false],
    ['an old message', SECRET, old, BODY, false],
    ['another time', SECRET, header.replace(/t=\d+/, (t) => `${t}0`), BODY, false],
    ['no time', SECRET, header.replace(/t=\d+,/, ''), BODY, false],
    ['no code', SECRET, header.replace(/,v1=.*/, ''), BODY, false],
    ['a code cut short', SECRET, header.slice(0, -2), BODY, false],
    ['a code that is none', SECRET, header.replace(/v1=.*/, 'v1=ö'), BODY, false],
    ['nothing', SECRET, '', BODY, false],
  ];

describe('docs/alerts.md', () => {
  it('shows a message as it is sent', () => {
    const value: unknown = JSON.parse(block('json webhook'));
    expect(webhookBodySchema.parse(value)).toEqual(value);
  });

  describe('the check in Node', () => {
    let folder = '';
    let check: (secret: string, header: string, body: Buffer) => boolean;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'alerts-'));
      const file = join(folder, 'verify.mjs');
      writeFileSync(file, block('js verify'));
      const loaded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
        isFromSpikescope: typeof check;
      };
      check = loaded.isFromSpikescope;
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it.each(CASES)('of %s', (_title, secret, signature, body, ok) => {
      expect(check(secret, signature, Buffer.from(body))).toBe(ok);
    });
  });

  it('shows a check in Python that says the same', () => {
    const cases = CASES.map(([, secret, signature, body]) => ({ secret, signature, body }));
    const program = `${block('python verify')}
import json, sys
print(json.dumps([
    is_from_spikescope(one["secret"], one["signature"], one["body"].encode())
    for one in json.load(sys.stdin)
]))`;
    const printed = execFileSync('python3', ['-c', program], { input: JSON.stringify(cases) });
    expect(JSON.parse(printed.toString())).toEqual(CASES.map(([, , , , ok]) => ok));
  });
});
