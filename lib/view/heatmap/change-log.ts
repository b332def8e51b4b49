/** Changes that are remembered by the column where they began; who is further behind looks at all. */
const CHANGES_KEPT = 32;

/** From which column on columns have changed, for those who made something of an older version. */
export class ChangeLog {
  /** Rises with every change. */
  version = 0;
  private readonly changes: { readonly version: number; readonly fromColumn: number }[] = [];

  /** Infinity where no column itself has changed. */
  mark(fromColumn: number): void {
    this.version++;
    this.changes.push({ version: this.version, fromColumn });
    if (this.changes.length > CHANGES_KEPT) this.changes.shift();
  }

  /** The first column that may differ from what it was at `version`; Infinity where none does. */
  since(version: number): number {
    const [oldest] = this.changes;
    if (version === this.version) return Infinity;
    if (oldest === undefined || oldest.version > version + 1) return 0;
    return Math.min(
      ...this.changes.filter((c) => c.version > version).map(({ fromColumn }) => fromColumn),
    );
  }
}
