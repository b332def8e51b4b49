import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

/** What a measurement ran on: without it no number may be quoted. `more` goes before the commit. */
export function machineLine(...more: readonly string[]): string {
  const isChanged =
    git('status', '--porcelain', '--', 'app', 'bench', 'lib', 'prisma', 'workers') !== '';
  return [
    `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    `Node ${process.version}`,
    ...more,
    `commit ${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`,
    `load before ${(loadavg()[0] ?? 0).toFixed(1)}`,
  ].join(', ');
}
