import { describe, expect, it } from 'vitest';
import { fileNameOf } from '@/app/_components/chart-menu/chart-subject';

describe('the name of a file', () => {
  it('is made of what every file system takes', () => {
    expect(fileNameOf('B_spike', 'Gradient norm ÷ √n', '1', '640')).toBe(
      'B_spike-Gradient-norm-n-1-640',
    );
    expect(fileNameOf('../../etc/passwd')).toBe('..-..-etc-passwd');
  });

  it('keeps letters under their marks', () => {
    expect(fileNameOf('Bögen', 'RMS')).toBe('Bogen-RMS');
  });
});
