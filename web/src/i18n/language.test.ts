import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { ko } from './ko';
import { chosenLanguage, fill, speechOf } from './language';

describe('both languages', () => {
  it.each(Object.keys(en) as (keyof typeof en)[])('name the same values: %s', (word) => {
    const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
    expect(names(ko[word])).toEqual(names(en[word]));
  });
  it('are chosen by the reader, else by the browser', () => {
    expect(chosenLanguage(null, ['fr-FR', 'ko-KR', 'en'])).toBe('ko');
    expect(chosenLanguage(null, ['de'])).toBe('en');
    expect(chosenLanguage('en', ['ko'])).toBe('en');
    expect(chosenLanguage('<x>', ['ko'])).toBe('ko');
  });
  it('name the year of a time in another one', () => {
    const { time } = speechOf('en', { ko, en });
    const year = new Date().getFullYear();
    expect(time(`${year}-06-15T12:00:00Z`)).not.toContain(String(year));
    expect(time(`${year + 1}-06-15T12:00:00Z`)).toContain(String(year + 1));
    expect(speechOf('ko', { ko, en }).time('9999-06-15T12:00:00Z')).toContain('9999');
  });
  it('write prices in the currency\'s own units', () => {
    expect(speechOf('ko', { ko, en }).price({ amount: 189_000, currency: 'KRW' })).toBe('₩189,000');
    expect(speechOf('en', { ko, en }).price({ amount: 1999, currency: 'USD' })).toBe('US$19.99');
    for (const language of ['en', 'ko'] as const) {
      const signs = ['USD', 'CAD', 'AUD', 'JPY', 'CNY', 'KRW', 'KPW'].map((currency) =>
        speechOf(language, { ko, en }).price({ amount: 100, currency }).replace(/[\d.,\s]/g, ''));
      expect(new Set(signs).size).toBe(signs.length); // A cart may hold dollars of two countries.
    }
  });
  it('write the digits of every currency that the server takes as the server does', () => {
    const source = readFileSync(new URL('../../../src/domain/sale/money.cpp', import.meta.url), 'utf8');
    const listed = (name: string): string[] =>
      [...new RegExp(`${name} =([^;]*);`).exec(source)![1]!.matchAll(/[A-Z]{3}/g)].map(([code]) => code);
    const lists = [listed('no_digits'), [], listed('two_digits'), listed('three_digits')];
    expect(lists.map((each) => each.length)).toEqual([16, 0, lists[2]!.length, 7]);
    expect(lists[2]).toContain('HUF');
    for (const language of ['en', 'ko'] as const)
      lists.forEach((codes, digits) => codes.forEach((currency) => {
        const written = speechOf(language, { ko, en }).price({ amount: 199_905, currency }).replace(/^\D*|[^\d.]/g, '');
        expect(`${currency} ${written}`).toBe(`${currency} ${(199_905 / 10 ** digits).toFixed(digits)}`);
      }));
  });
  it('fill in what is known and leave the rest', () => {
    expect(fill('{a} of {b}', { a: '{b}' })).toBe('{b} of {b}');
  });
});
