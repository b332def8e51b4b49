import { describe, expect, it } from 'vitest';
import { stateOfHappenings } from '@/app/(dashboard)/runs/[runId]/_run/model/happenings-state';

const READ = { data: { items: [] }, error: null };
const UNDER_WAY = { data: null, error: null };
const FAILED = { data: null, error: { message: 'the server did not answer' } };

describe('what is known of what happened in a run', () => {
  it('is all of it once every read was answered, with nothing in it too', () => {
    expect(stateOfHappenings([READ, READ])).toEqual({ kind: 'read' });
  });

  it('is not all of it while one read is under way', () => {
    expect(stateOfHappenings([READ, UNDER_WAY])).toEqual({ kind: 'reading' });
  });

  it('says why one could not be read, whatever else is under way', () => {
    expect(stateOfHappenings([UNDER_WAY, FAILED, READ])).toEqual({
      kind: 'failed',
      message: 'the server did not answer',
    });
  });

  it('stands on the reply before where only a later read failed', () => {
    expect(stateOfHappenings([{ ...READ, error: FAILED.error }])).toEqual({ kind: 'read' });
  });
});
