/** What of a profile was changed: what was not is left to whoever changes it elsewhere. */
import type { User } from '../api/types';

export interface Profile {
  name: string;
  phone: string | null;
  address: string | null;
}

/** `typed`: what stands in the fields, where an empty one is nothing. */
export function profileChange(user: Pick<User, keyof Profile>, typed: (name: keyof Profile) => string): Partial<Profile> {
  const change: Partial<Profile> = {};
  const name = typed('name').trim();
  if (name !== user.name) change.name = name;
  for (const each of ['phone', 'address'] as const) {
    const value = typed(each).trim() || null;
    if (value !== (user[each] || null)) change[each] = value;
  }
  return change;
}

/** What has changed elsewhere in the fields that still hold what they were filled with. */
export function profileNews(before: Profile, now: Profile, typed: (name: keyof Profile) => string): Partial<Record<keyof Profile, string>> {
  const news: Partial<Record<keyof Profile, string>> = {};
  for (const each of ['name', 'phone', 'address'] as const)
    if (before[each] !== now[each] && typed(each) === (before[each] ?? '')) news[each] = now[each] ?? '';
  return news;
}
