import type { ExportedRun } from './export-run';

/** A line for each way in which the files hold less than was posted; none where they hold all. */
export function describeLosses({
  roundedBefore,
  gaps,
}: Pick<ExportedRun, 'roundedBefore' | 'gaps'>): string[] {
  const lines: string[] = [];
  if (roundedBefore !== null) {
    lines.push(
      `Values before step ${roundedBefore} may be rounded to a thousandth, as the policy of the project says; from there on all are as they were posted.`,
    );
  }
  if (gaps !== null) {
    lines.push(
      `Steps ${gaps.replaceAll(',', ', ')} are left out: the policy of the project has kept their rollups alone.`,
    );
  }
  return lines;
}
