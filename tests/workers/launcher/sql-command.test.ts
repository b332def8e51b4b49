import { describe, expect, it } from 'vitest';
import { parseSqlCommand, printAnswer, SqlUsageError } from '@/workers/launcher/sql-command';

const ANSWER = {
  columns: ['run', 'step', 'value', 'note'],
  rows: [
    ['B', '317', 2.5, 'says "so", twice'],
    ['C', '20', NaN, null],
    ['D', '1', -Infinity, { beta2: 0.95 }],
  ],
};

describe('npm run sql', () => {
  it('takes one query, a format and a time', () => {
    expect(parseSqlCommand(['SELECT 1'])).toEqual({
      query: 'SELECT 1',
      format: 'table',
      timeoutSeconds: 60,
    });
    expect(parseSqlCommand(['--format', 'csv', '--timeout', '5', 'SELECT 1'])).toEqual({
      query: 'SELECT 1',
      format: 'csv',
      timeoutSeconds: 5,
    });
  });

  it.each([
    [[], /"SELECT …"/],
    [['SELECT 1', 'SELECT 2'], /"SELECT …"/],
    [['--format', 'xml', 'SELECT 1'], /--format: one of table, csv, json/],
    [['--timeout', 'soon', 'SELECT 1'], /--timeout: a number of seconds above 0/],
    [['--colour', 'SELECT 1'], /--colour/],
  ])('says what it expected of %j', (args, message) => {
    expect(() => parseSqlCommand(args)).toThrow(SqlUsageError);
    expect(() => parseSqlCommand(args)).toThrow(message);
  });

  it('prints a table with numbers to the right', () => {
    expect(
      printAnswer(
        {
          columns: ['run', 'step'],
          rows: [
            ['B', '317'],
            ['long', '5'],
          ],
        },
        'table',
      ),
    ).toBe(['run   step', '----  ----', 'B      317', 'long     5', '(2 rows)'].join('\n'));
    expect(printAnswer({ columns: ['run'], rows: [['B']] }, 'table')).toMatch(/\(1 row\)$/);
  });

  it('prints CSV with what needs quotes in quotes, and no word for what is missing', () => {
    expect(printAnswer(ANSWER, 'csv').split('\n')).toEqual([
      'run,step,value,note',
      'B,317,2.5,"says ""so"", twice"',
      'C,20,NaN,',
      'D,1,-Infinity,"{""beta2"":0.95}"',
    ]);
  });

  it('prints a line of JSON a row, with the words of the API for what is no number', () => {
    expect(
      printAnswer(ANSWER, 'json')
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      { run: 'B', step: '317', value: 2.5, note: 'says "so", twice' },
      { run: 'C', step: '20', value: 'NaN', note: null },
      { run: 'D', step: '1', value: '-Infinity', note: { beta2: 0.95 } },
    ]);
  });
});
