import type { RunName } from '../_hooks/known-runs';
import { PENDING_CRUMB, type Crumb } from './crumbs';

/**
 * Where a page of a run is: its project, the run, then what of it, if not the whole run.
 * `run` null while its name is being read: the places of both are kept. Pages of no run
 * have their own name alone.
 */
export function runCrumbs(run: RunName | null, part?: string): readonly Crumb[] {
  const own = part === undefined ? [] : [{ label: part }];
  if (run === null) return [PENDING_CRUMB, PENDING_CRUMB, ...own];
  const project = { label: run.project, href: `/?project=${encodeURIComponent(run.project)}` };
  if (part === undefined) return [project, { label: run.name }];
  return [project, { label: run.name, href: `/runs/${encodeURIComponent(run.id)}` }, ...own];
}
