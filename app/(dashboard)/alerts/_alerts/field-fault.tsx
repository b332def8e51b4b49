import type { Faults } from '@/lib/view/alerts/alert-form';
import form from '@/app/_components/form.module.css';

/** What is wrong with a field, under it; nothing where nothing is. */
export function FieldFault({ faults, path }: { readonly faults: Faults; readonly path: string }) {
  const fault = faults.get(path);
  return fault === undefined ? null : (
    <span className={form['fault']} role="alert">
      {fault}
    </span>
  );
}
