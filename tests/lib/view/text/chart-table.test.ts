import { describe, expect, it } from 'vitest';
import {
  formatCell,
  shortestFloat32,
  writeCsv,
  writeCsvCell,
  type ChartTable,
} from '@/lib/view/text/chart-table';

describe('a CSV file', () => {
  it('tells what was not finite from what is missing', () => {
    expect(writeCsvCell(null)).toBe('');
    expect(writeCsvCell(NaN)).toBe('NaN');
    expect(writeCsvCell(-Infinity)).toBe('-Infinity');
    expect(writeCsvCell(0)).toBe('0');
  });

  it('writes numbers whole', () => {
    expect(writeCsvCell(0.1 + 0.2)).toBe('0.30000000000000004');
    expect(writeCsvCell(1e-7)).toBe('1e-7');
  });

  it('quotes words that would end a field', () => {
    expect(writeCsvCell('a,b')).toBe('"a,b"');
    expect(writeCsvCell('say "x"')).toBe('"say ""x"""');
    expect(writeCsvCell('two\nlines')).toBe('"two\nlines"');
    expect(writeCsvCell('plain')).toBe('plain');
  });

  it('has a head and a line for each row', () => {
    const table: ChartTable = {
      caption: 'a table',
      columns: [
        { name: 'step', kind: 'step' },
        { name: 'loss, nats', kind: 'value' },
      ],
      keyColumnCount: 1,
      rowCount: 2,
      cell: (row, column) => (column === 0 ? row : row === 0 ? null : 2.5),
    };
    expect(writeCsv(table).join('')).toBe('step,"loss, nats"\r\n0,\r\n1,2.5\r\n');
  });
});

describe('a float32', () => {
  it('is written with the fewest digits that give it back', () => {
    expect(shortestFloat32(Math.fround(0.01))).toBe(0.01);
    expect(shortestFloat32(Math.fround(3.14159274))).toBe(3.1415927);
    expect(shortestFloat32(Infinity)).toBe(Infinity);
    expect(shortestFloat32(NaN)).toBeNaN();
  });

  it('comes back as itself, whatever it is', () => {
    let bits = 1;
    for (let round = 0; round < 2000; round++) {
      bits = (Math.imul(bits, 1_664_525) + 1_013_904_223) >>> 0;
      const value = new Float32Array(Uint32Array.of(bits).buffer)[0]!;
      if (Number.isFinite(value)) expect(Math.fround(shortestFloat32(value))).toBe(value);
    }
  });
});

describe('a cell in the page', () => {
  it('is written as numbers are everywhere', () => {
    expect(formatCell(4210, 'step')).toBe('4\u202f210');
    expect(formatCell(0.000859, 'value')).toBe('8.59e−4');
    expect(formatCell(null, 'value')).toBe('–');
    expect(formatCell(NaN, 'value')).toBe('NaN');
    expect(formatCell('underflow', 'text')).toBe('underflow');
  });
});
