import { expect, it } from 'vitest';
import { profileChange } from './profile';

it('is sent only where it was changed', () => {
  const user = { name: 'Kim', phone: '010', address: null };
  const change = (typed: Record<string, string>) => profileChange(user, (name) => ({ name: 'Kim', phone: '010', address: '', ...typed })[name] ?? '');
  expect(change({})).toEqual({});
  expect(change({ name: ' Kim ', address: ' ' })).toEqual({});
  expect(change({ name: 'Lee' })).toEqual({ name: 'Lee' });
  expect(change({ name: '', phone: '', address: 'Seoul' })).toEqual({ name: '', phone: null, address: 'Seoul' });
});
