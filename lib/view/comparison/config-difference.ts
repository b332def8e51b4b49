import type { RunSettings } from '../../contract/runs';
import { SETTING_KINDS, flattenSettings, type SettingValue } from './flatten-settings';

export interface ComparedRun {
  readonly id: string;
  readonly name: string;
  readonly settings: RunSettings;
}

export interface SettingRow {
  readonly key: string;
  readonly label: string;
  /** One a run, in their order. */
  readonly values: readonly SettingValue[];
  readonly isDifferent: boolean;
}

export interface ConfigDifference {
  readonly runs: readonly { readonly id: string; readonly name: string }[];
  readonly rows: readonly SettingRow[];
  /** "6 of 31 settings differ". */
  readonly summary: string;
  /** A row a run while its settings fit side by side; else a row a setting. */
  readonly layout: 'row_per_run' | 'row_per_setting';
}

/** More columns than this are too narrow to read at 1,440 px. */
const MOST_ACROSS = 8;

const NOT_SET: SettingValue = { text: '–', isSet: false, identity: null };

/**
 * Settings of runs side by side: those that differ, or all of them with those that differ
 * said. The optimizer comes first, then the configs' keys in the order in which they came.
 * What a run does not set differs from anything set, null too.
 */
export function prepareConfigDifference(
  runs: readonly ComparedRun[],
  isShowingAll: boolean,
): ConfigDifference {
  const flat = runs.map(({ settings }) => flattenSettings(settings));
  const labels = new Map(
    flat
      .flat()
      // What only a later run sets stands with its kind all the same.
      .sort((a, b) => SETTING_KINDS.indexOf(a.kind) - SETTING_KINDS.indexOf(b.kind))
      .map(({ key, label }) => [key, label]),
  );
  const valuesOfRuns = flat.map((settings) => new Map(settings.map((one) => [one.key, one.value])));
  const all = Array.from(labels, ([key, label]): SettingRow => {
    const values = valuesOfRuns.map((values) => values.get(key) ?? NOT_SET);
    return { key, label, values, isDifferent: isDifferent(values) };
  });
  const differing = all.filter((row) => row.isDifferent);
  const rows = isShowingAll ? all : differing;
  return {
    runs: runs.map(({ id, name }) => ({ id, name })),
    rows,
    summary: summarise(differing.length, all.length, runs.length),
    layout: rows.length > MOST_ACROSS ? 'row_per_setting' : 'row_per_run',
  };
}

function isDifferent(values: readonly SettingValue[]): boolean {
  return new Set(values.map(({ identity }) => identity)).size > 1;
}

function summarise(differing: number, all: number, runCount: number): string {
  if (all === 0) return 'no settings were sent';
  if (runCount < 2) return `${all} ${all === 1 ? 'setting' : 'settings'}`;
  if (differing === 0) return `no difference in ${all} settings`;
  return `${differing} of ${all} settings ${differing === 1 ? 'differs' : 'differ'}`;
}
