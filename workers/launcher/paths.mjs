import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** Where everything lies in a checkout, for the scripts that run before any package is installed. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/[\\/]$/, '');

export const inRoot = (...parts) => join(ROOT, ...parts);

/** What prepare writes; git ignores both, and removing them costs a rebuild, no data. */
export const BUILD_DIR = inRoot('.build');
export const NEXT_DIR = inRoot('.next');
