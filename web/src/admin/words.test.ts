import { describe, expect, it } from 'vitest';
import { en } from './en';
import { ko } from './ko';

describe('the console in both languages', () => {
  it('names the same values', () => {
    const values = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).sort();
    for (const word of Object.keys(en) as (keyof typeof en)[]) expect([word, values(ko[word])]).toEqual([word, values(en[word])]);
  });
});
