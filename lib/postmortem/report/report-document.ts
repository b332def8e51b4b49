/** A report as data, from which its Markdown and its HTML are written. */
export type ReportBlock =
  | { readonly kind: 'heading'; readonly level: 2 | 3; readonly text: string; readonly id?: string }
  /** `decision`: what to do, which stands out. */
  | { readonly kind: 'paragraph' | 'small' | 'decision'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly ReportItem[] }
  | {
      readonly kind: 'facts';
      readonly items: readonly { readonly label: string; readonly value: string }[];
    }
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
      /** Columns of numbers, which are set to the right. */
      readonly numeric: readonly number[];
    }
  /** A picture; Markdown has none. */
  | { readonly kind: 'figure'; readonly svg: string; readonly caption: string }
  /** What a person wrote. */
  | { readonly kind: 'note'; readonly byline: string; readonly markdown: string };

export interface ReportItem {
  /** Stands out before the text; empty for none. */
  readonly lead: string;
  readonly text: string;
  /** In small letters after it: what speaks against it. */
  readonly detail: string;
  /** The stored numbers behind it, which a chat is spared. */
  readonly numbers?: string;
}

export interface ReportDocument {
  readonly title: string;
  readonly subtitle: string;
  readonly blocks: readonly ReportBlock[];
  /** Where the report came from and when. */
  readonly footer: string;
}
