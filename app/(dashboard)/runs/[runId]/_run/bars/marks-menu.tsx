import { SelectMenu } from '@/app/_components/select-menu';
import type { CellMark } from '../model/use-cell-marks';
import type { SetRunView } from '../model/use-run-view-state';

const MARKS: readonly { readonly value: string; readonly label: string }[] = [
  { value: 'none', label: 'No marks' },
  { value: 'stages', label: 'Stages' },
  { value: 'movers', label: 'First movers' },
  { value: 'stages,movers', label: 'Both marks' },
];

/** What is marked on the cells beside their values. */
export function MarksMenu({
  marks,
  set,
}: {
  readonly marks: readonly CellMark[];
  readonly set: SetRunView;
}) {
  return (
    <SelectMenu
      label="Marks on the cells"
      value={marks.length === 0 ? 'none' : marks.join(',')}
      onChange={(value) => set({ marks: value === 'none' ? null : value })}
      options={MARKS}
    />
  );
}
