/** The language of the pages, and numbers, prices and times as it writes them. */
import { keep, kept, useValue, Value } from '../lib/store';
import type { Money } from '../api/types';
import { en, type Word } from './en';
import { ko } from './ko';

export type Language = 'ko' | 'en';
const words = { ko, en };
const name = 'market.language';

export function chosenLanguage(saved: string | null, preferred: readonly string[]): Language {
  if (saved === 'ko' || saved === 'en') return saved;
  const first = preferred.map((each) => each.slice(0, 2)).find((each) => each === 'ko' || each === 'en');
  return first === 'ko' ? 'ko' : 'en';
}

export const language = new Value<Language>(
  typeof navigator === 'undefined' ? 'en' : chosenLanguage(kept(name), navigator.languages));

export function speak(next: Language): void {
  keep(name, next);
  language.set(next);
}

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => String(values[key] ?? whole));
}

export type Dictionaries<W extends string> = Record<Language, Record<W, string>>;

export interface Speech<W extends string = Word> {
  language: Language;
  t(word: W, values?: Record<string, string | number>): string;
  number(value: number): string;
  price(money: Money): string;
  /** Day and time, in the reader's zone. */
  time(iso: string): string;
  /** Time of day with seconds. */
  clock(ms: number): string;
}

/**
 * The digits of a currency's smaller unit by ISO 4217, as the server has them (src/domain/sale/money.cpp). Browsers go by
 * CLDR, where forints and rupiahs, among others, are whole: a hundred times too much.
 */
const noDigits = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'.split(' ');
const threeDigits = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');
const minorDigits = (currency: string): number =>
  (noDigits.includes(currency) ? 0 : threeDigits.includes(currency) ? 3 : 2);

const tags = { ko: 'ko-KR', en: 'en-GB' };

export function speechOf<W extends string>(spoken: Language, dictionaries: Dictionaries<W>): Speech<W> {
  const tag = tags[spoken];
  const numbers = new Intl.NumberFormat(tag);
  const times = new Intl.DateTimeFormat(tag, {
    month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  });
  const datedTimes = new Intl.DateTimeFormat(tag, {
    year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  });
  const clocks = new Intl.DateTimeFormat(tag, {
    hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  });
  return {
    language: spoken,
    t: (word, values) => (values ? fill(dictionaries[spoken][word], values) : dictionaries[spoken][word]),
    number: (value) => numbers.format(value),
    price: ({ amount, currency }) => {
      const digits = minorDigits(currency);
      return new Intl.NumberFormat(tag, {
        style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits,
      }).format(amount / 10 ** digits);
    },
    // Another year is named.
    time: (iso) => {
      const at = new Date(iso);
      return (at.getFullYear() === new Date().getFullYear() ? times : datedTimes).format(at);
    },
    clock: (ms) => clocks.format(ms),
  };
}

const speeches = { ko: speechOf('ko', words), en: speechOf('en', words) };
export function useSpeech(): Speech {
  return speeches[useValue(language)];
}
