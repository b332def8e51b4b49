/** What steps said besides their layers, one row a step. */
import type { Database } from '../../store/database';
import { findStepPage } from '../../store/reading/step-pages';
import { type ScalarColumn, scanSteps } from '../../store/reading/scan-steps';
import type { Segment } from '../../store/runs/trajectory';
import type { ExportBatch } from './export-batch';

const STEPS_A_BATCH = 4096;

/** Memory  of one batch, whatever the range */
export async function* exportSteps(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  columns: readonly ScalarColumn[],
): AsyncGenerator<ExportBatch> {
  for (const segment of segments) {
    for (let { fromStep } = segment; fromStep <= segment.toStep;) {
      const rest = { ...segment, fromStep };
      const page = await findStepPage(db, runKey, rest, STEPS_A_BATCH);
      if (page === null) break;
      const steps: number[] = [];
      const values = columns.map((): (number | null)[] => []);
      await scanSteps(db, runKey, { ...rest, toStep: page.lastStep }, columns, (step, row) => {
        steps.push(step);
        for (const [index, value] of row.entries()) values[index]?.push(value);
      });
      const attempts = new Array<number>(steps.length).fill(segment.attempt);
      yield {
        rowCount: steps.length,
        completeStep: page.lastStep,
        cells: [attempts, steps, ...values].map((list) => ({ kind: 'list', values: list })),
      };
      fromStep = page.lastStep + 1;
    }
  }
}
