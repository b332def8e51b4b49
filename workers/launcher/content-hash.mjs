import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ROOT } from './paths.mjs';

function* filesUnder(root, path, isIgnored) {
  let stat;
  try {
    stat = statSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (stat.isFile()) {
    yield path;
    return;
  }
  for (const name of readdirSync(path).sort()) {
    const child = join(path, name);
    if (!isIgnored(relative(root, child).split(sep).join('/')))
      yield* filesUnder(root, child, isIgnored);
  }
}

/**
 * A hash of names and contents. Contents and not times, because a checkout, a branch switch
 * or a restored cache changes every time and nothing else. `facts` are further inputs, such
 * as versions. Cost: some 20 ms for this repository.
 *
 * @param {readonly string[]} paths files and folders under `root`; absent ones are passed over
 * @param {{ root?: string, facts?: readonly string[], isIgnored?: (path: string) => boolean }} options
 * @returns {string}
 */
export function hashInputs(paths, { root = ROOT, facts = [], isIgnored = () => false } = {}) {
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`fact ${fact}\n`);
  for (const path of paths) {
    for (const file of filesUnder(root, join(root, path), isIgnored)) {
      const content = readFileSync(file);
      hash.update(`file ${relative(root, file).split(sep).join('/')} ${content.length}\n`);
      hash.update(content);
    }
  }
  return hash.digest('hex');
}

/** The stamp a step left behind, or null. */
export function readStamp(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}
