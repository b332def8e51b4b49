import type { Crumb } from './top-bar';

/** Where a page of a run is: its project, the run, then what of it. Pages of no run have their own name alone. */
export function runCrumbs(
  { id, name, project }: { readonly id: string; readonly name: string; readonly project: string },
  label: string,
): readonly Crumb[] {
  return [
    { label: project, href: `/?project=${encodeURIComponent(project)}` },
    { label: name, href: `/runs/${encodeURIComponent(id)}` },
    { label },
  ];
}
