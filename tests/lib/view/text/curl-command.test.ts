import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { writeCurlCommand } from '@/lib/view/text/curl-command';

/** What a shell makes of a line: its arguments, with `curl` itself put aside. */
function argumentsOf(command: string, token?: string): string[] {
  const script = `curl() { for a in "$@"; do printf '%s\\n' "$a"; done; }\n${command}`;
  const output = execFileSync('sh', ['-c', script], {
    encoding: 'utf8',
    env: { ...process.env, SPIKESCOPE_TOKEN: token },
  });
  return output.trimEnd().split('\n');
}

const PATH = "/api/v1/runs/it's/timeline?series=loss&points=10";

describe('a read as a line for a shell', () => {
  it('hands the address over unchanged', () => {
    const command = writeCurlCommand('http://127.0.0.1:3000', [PATH]);
    expect(argumentsOf(command)).toEqual(['-sS', `http://127.0.0.1:3000${PATH}`]);
  });

  it('sends the token where one is set', () => {
    const command = writeCurlCommand('http://127.0.0.1:3000', [PATH]);
    expect(argumentsOf(command, 'secret')).toEqual([
      '-sS',
      '-HAuthorization: Bearer secret',
      `http://127.0.0.1:3000${PATH}`,
    ]);
  });

  it('has a line for each read', () => {
    expect(writeCurlCommand('http://h', ['/a', '/b']).split('\n')).toHaveLength(2);
  });
});
