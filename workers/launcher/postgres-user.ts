/**
 * PostgreSQL refuses to run as root, and a container's only user is often root. There it
 * runs as `postgres` or, where that user does not exist, `nobody`.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';

export interface UnprivilegedUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function readId(flag: '-u' | '-g', name: string): number | null {
  try {
    const id = Number(
      execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString(),
    );
    return Number.isInteger(id) ? id : null;
  } catch {
    // `id` fails for a user that does not exist, which is an answer.
    return null;
  }
}

/** null: this process is not root, the server runs as whoever we are. */
export function findUnprivilegedUser(): UnprivilegedUser | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const uid = readId('-u', name);
    const gid = readId('-g', name);
    if (uid !== null && gid !== null && uid !== 0) return { name, uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root and neither a user "postgres" nor "nobody" exists: start as another user, or set DATABASE_URL to a server of your own',
  );
}

/** The first folder on the way to `target` that the user may not enter; null: the way is open. */
function findClosedAncestor(target: string, user: UnprivilegedUser): string | null {
  const parts = path.resolve(target).split(path.sep);
  for (let length = 1; length <= parts.length; length++) {
    const ancestor = parts.slice(0, length).join(path.sep) || path.sep;
    const { mode, uid, gid } = statSync(ancestor);
    const executeBit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & executeBit) === 0) return ancestor;
  }
  return null;
}

export interface Command {
  readonly file: string;
  readonly arguments: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * `file` run as `user`. Where a folder on the way is closed to that user (a checkout under
 * /root, or in a folder made by mktemp), `setpriv` lets the process keep root's right to
 * pass closed folders; moving the data or opening folders of others is not ours to do.
 *
 * Throws  when a folder is closed and there is no `setpriv`
 */
export function commandAs(
  user: UnprivilegedUser | null,
  file: string,
  args: readonly string[],
  paths: readonly string[],
): Command {
  if (user === null) return { file, arguments: args };
  const closed = paths.map((target) => findClosedAncestor(target, user)).find((it) => it !== null);
  if (closed === undefined) return { file, arguments: args, uid: user.uid, gid: user.gid };
  try {
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' });
  } catch (cause) {
    throw new Error(
      `PostgreSQL does not run as root, and the user "${user.name}" may not enter ${closed}: start as another user, move the project, or set DATABASE_URL to a server of your own`,
      { cause },
    );
  }
  return {
    file: 'setpriv',
    arguments: [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--',
      file,
      ...args,
    ],
  };
}
