/** The console's sentences, beside those that it shares with the shop. */
import { en as shopEn, type Word } from '../i18n/en';
import { ko as shopKo } from '../i18n/ko';
import { language, speechOf, type Speech } from '../i18n/language';
import { useValue } from '../lib/store';
import { en, type ConsoleWord } from './en';
import { ko } from './ko';

export type { ConsoleWord };
export const dictionaries = { en: { ...shopEn, ...en }, ko: { ...shopKo, ...ko } };
const speeches = { ko: speechOf<Word | ConsoleWord>('ko', dictionaries), en: speechOf<Word | ConsoleWord>('en', dictionaries) };
export function useConsoleSpeech(): Speech<Word | ConsoleWord> {
  return speeches[useValue(language)];
}
