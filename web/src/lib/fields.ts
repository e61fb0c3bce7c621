/**
 * What is wrong with a field, in the page's language. The server says it in English, for developers and readers of
 * English; the other languages have a sentence for each of its codes, with its numbers.
 */
import type { FieldError } from '../api/types';
import type { Language } from '../i18n/language';

export function fieldSentence({ code, detail }: FieldError, language: Language): string {
  if (language === 'en') return detail;
  const [least, most] = detail.match(/-?\d[\d,]*/g) ?? [];
  const known: Record<string, string | undefined> = {
    required: '꼭 입력해 주세요',
    type: '올바른 형식으로 입력해 주세요',
    format: '올바른 형식으로 입력해 주세요',
    common: '쉽게 추측할 수 있습니다. 다른 것으로 정해 주세요',
    length: least && (most ? `${least}~${most}자로 입력해 주세요` : /more/.test(detail) ? `${least}자 이상 입력해 주세요` : undefined),
    range: least && most && `${least}에서 ${most} 사이로 입력해 주세요`,
  };
  return known[code] ?? `사용할 수 없는 값입니다 (${detail})`;
}

/** What no field of a form says, each with the name that the request has for it. */
export function unsaidSentences(errors: FieldError[], shown: string[], language: Language): string[] {
  return errors.filter(({ field }) => !shown.includes(field)).map((each) => `${each.field}: ${fieldSentence(each, language)}`);
}
