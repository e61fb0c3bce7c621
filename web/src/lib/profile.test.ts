import { expect, it } from 'vitest';
import { profileChange, profileNews } from './profile';

it('is sent only where it was changed', () => {
  const user = { name: 'Kim', phone: '010', address: null };
  const change = (typed: Record<string, string>) => profileChange(user, (name) => ({ name: 'Kim', phone: '010', address: '', ...typed })[name] ?? '');
  expect(change({})).toEqual({});
  expect(change({ name: ' Kim ', address: ' ' })).toEqual({});
  expect(change({ name: 'Lee' })).toEqual({ name: 'Lee' });
  expect(change({ name: '', phone: '', address: 'Seoul' })).toEqual({ name: '', phone: null, address: 'Seoul' });
});

it('shows what was saved elsewhere, except where it is being changed here', () => {
  const [before, now] = [{ name: 'Kim', phone: '010', address: null }, { name: 'Lee', phone: null, address: 'Seoul' }];
  const news = (typed: Record<string, string>) => profileNews(before, now, (name) => ({ name: 'Kim', phone: '010', address: '', ...typed })[name] ?? '');
  expect(news({})).toEqual({ name: 'Lee', phone: '', address: 'Seoul' });
  expect(news({ phone: '010-1', address: 'Busan' })).toEqual({ name: 'Lee' });
  expect(profileNews(before, before, () => 'typed')).toEqual({});
});
