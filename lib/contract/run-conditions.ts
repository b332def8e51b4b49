/**
 * Conditions on what runs were told, as a query writes them: `optimizer.beta2<0.99,dataset=c4`.
 * They choose attempts: a restart may have other settings.
 */
import { z } from 'zod';
import { splitNames } from './name-list';

export const CONDITION_OPERATORS = ['<=', '>=', '!=', '<', '>', '='] as const;
export type ConditionOperator = (typeof CONDITION_OPERATORS)[number];

/** The optimizer's fields, which an attempt has of its own. */
export const OPTIMIZER_PATHS = [
  'optimizer.name',
  'optimizer.beta1',
  'optimizer.beta2',
  'optimizer.epsilon',
  'optimizer.weightDecay',
] as const;

export interface RunCondition {
  /** Dotted: `optimizer.beta2`, `parameters`, `layers`, or where a value stands in the config. */
  readonly path: string;
  readonly operator: ConditionOperator;
  readonly value: string;
}

const MAX_PATH_CHARACTERS = 256;
const MAX_CONDITIONS = 16;

/** A text that a database can hold. */
export const queryText = (maxCharacters: number) =>
  z
    .string()
    .max(maxCharacters)
    .refine((text) => !text.includes('\0'), 'expected a text without NUL');

export const settingPathSchema = queryText(MAX_PATH_CHARACTERS).pipe(
  z
    .string()
    .trim()
    .min(1, 'expected the path of a setting')
    .regex(/^[^<>=!]+$/, 'expected a path without < > = !'),
);

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i;

/** What a number of a setting is compared with. */
export function isNumberText(text: string): boolean {
  return NUMBER.test(text) && Number.isFinite(Number(text));
}

type ReadCondition = { readonly condition: RunCondition } | { readonly fault: string };

function readCondition(text: string): ReadCondition {
  const at = text.search(/[<>=!]/);
  const operator =
    at === -1 ? undefined : CONDITION_OPERATORS.find((one) => text.startsWith(one, at));
  const path = text.slice(0, Math.max(0, at)).trim();
  const value = operator === undefined ? '' : text.slice(at + operator.length).trim();
  const fault = faultOf(path, operator, value);
  if (fault !== null || operator === undefined) return { fault: `"${text}": ${fault ?? ''}` };
  return { condition: { path, operator, value } };
}

function faultOf(
  path: string,
  operator: ConditionOperator | undefined,
  value: string,
): string | null {
  if (operator === undefined) return `expected one of ${CONDITION_OPERATORS.join(' ')} and a value`;
  if (path === '') return `expected a path before ${operator}, as in optimizer.beta2<0.99`;
  if (path.length > MAX_PATH_CHARACTERS) return 'expected a shorter path';
  if (operator !== '=' && operator !== '!=' && !isNumberText(value)) {
    return `expected a number after ${operator}`;
  }
  return null;
}

/** The conditions of a text that the schema has let through. */
export function parseConditions(text: string | undefined): RunCondition[] {
  return splitNames(text ?? '').flatMap((one) => {
    const read = readCondition(one);
    return 'condition' in read ? [read.condition] : [];
  });
}

/** It stays a text, as a reader of the API sees it. */
export const runConditionsSchema = queryText(4096).superRefine((text, context) => {
  const texts = splitNames(text);
  if (texts.length > MAX_CONDITIONS) {
    context.addIssue({ code: 'custom', message: `expected at most ${MAX_CONDITIONS} conditions` });
  }
  for (const one of texts) {
    const read = readCondition(one);
    if ('fault' in read) context.addIssue({ code: 'custom', message: read.fault });
  }
});
