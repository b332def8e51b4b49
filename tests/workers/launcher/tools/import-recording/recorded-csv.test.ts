import { describe, expect, it } from 'vitest';
import { CsvLines } from '@/workers/launcher/tools/import-recording/recorded-csv';

describe('CsvLines', () => {
  it('reads rows under the header; an empty cell is not there', () => {
    const csv = new CsvLines();

    expect(csv.parse('step,loss,grad_norm,loss_scale')).toBeNull();
    expect(csv.parse('31214,2.198845E+00,0.242,')).toEqual({
      step: 31214,
      loss: 2.198845,
      grad_norm: 0.242,
    });
    expect(csv.parse('31215,nan,inf,x')).toEqual({
      step: 31215,
      loss: NaN,
      grad_norm: Infinity,
      loss_scale: 'x',
    });
  });

  it('says what a header or a row lacks', () => {
    const csv = new CsvLines();

    expect(() => csv.parse('iteration,loss')).toThrow(/expected a column step/);
    csv.parse('step,loss');
    expect(() => csv.parse('1,2,3')).toThrow('expected 2 cells, got 3');
  });
});
