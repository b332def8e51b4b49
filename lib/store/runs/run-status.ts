import { runStatusSchema, type RunStatus } from '../../contract/runs';

/** Of a run whose rows are being removed: for everybody else it does not exist. */
export const DELETING = 'deleting';

/** The text column as the contract's status. Throws on a text that no code writes. */
export function toRunStatus(status: string): RunStatus {
  return runStatusSchema.parse(status);
}
