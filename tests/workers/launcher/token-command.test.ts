import { describe, expect, it } from 'vitest';
import { parseTokenCommand, TokenUsageError } from '@/workers/launcher/token-command';

describe('parseTokenCommand', () => {
  it('reads the three commands', () => {
    const create = ['create', '--project', ' lm ', '--scope', 'ingest', '--name', 'node 7'];
    expect(parseTokenCommand(create)).toEqual({
      kind: 'create',
      project: 'lm',
      scope: 'ingest',
      name: 'node 7',
    });
    expect(parseTokenCommand(['list'])).toEqual({ kind: 'list', project: null });
    expect(parseTokenCommand(['list', '--project=lm'])).toEqual({ kind: 'list', project: 'lm' });
    expect(parseTokenCommand(['revoke', 'abc'])).toEqual({ kind: 'revoke', id: 'abc' });
  });

  it.each([
    [[], 'Create, list or revoke?'],
    [['make'], '"make" is no command.'],
    [['create', '--scope', 'read'], '--project is missing.'],
    [['create', '--project', 'lm'], '--scope is missing.'],
    [['create', '--project', 'lm', '--scope', 'write'], '--scope: "write" is none of them.'],
    [['create', '--project', ' ', '--scope', 'read'], '--project: expected a project name'],
    [['revoke'], 'Which token?'],
    [['revoke', 'a', 'b'], '"b" is one word too many.'],
    [['list', '--all'], "'--all'"],
  ])('says what is wrong with %j, and how it goes', (args, problem) => {
    const parse = () => parseTokenCommand(args);
    expect(parse).toThrow(TokenUsageError);
    expect(parse).toThrow(problem);
    expect(parse).toThrow('Usage:');
  });
});
