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
  it('fill in what is known and leave the rest', () => {
    expect(fill('{a} of {b}', { a: '{b}' })).toBe('{b} of {b}');
  });
});
