import { expect, test } from 'vitest';
import { fieldSentence, unsaidSentences } from './fields';

const said = (code: string, detail: string): string => fieldSentence({ field: 'x', code, detail }, 'ko');

test('English is the server’s own sentence', () => {
  expect(fieldSentence({ field: 'x', code: 'length', detail: 'must have 10 characters or more' }, 'en')).toBe('must have 10 characters or more');
});

test('Korean has a sentence for each code, with its numbers', () => {
  expect(said('length', 'must have 10 characters or more')).toBe('10자 이상 입력해 주세요');
  expect(said('length', 'must have 1 to 100 characters')).toBe('1~100자로 입력해 주세요');
  expect(said('range', 'must be 0 to 1000000000')).toBe('0에서 1000000000 사이로 입력해 주세요');
  for (const code of ['required', 'type', 'format', 'common']) expect(said(code, 'is wrong')).not.toMatch(/[a-z]/);
});

test('what has no sentence keeps the detail', () => {
  for (const code of ['value', 'length', 'range', 'new'])
    expect(said(code, 'must be an address')).toBe('사용할 수 없는 값입니다 (must be an address)');
});

test('what no field says is said with its name', () => {
  const errors = ['name', 'sale.state'].map((field) => ({ field, code: 'unknown', detail: 'is not known' }));
  expect(unsaidSentences(errors, ['name'], 'en')).toEqual(['sale.state: is not known']);
  expect(unsaidSentences(errors, ['name', 'sale.state'], 'en')).toEqual([]);
});
