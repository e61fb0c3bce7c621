/** Accounts: found by their whole address, given a role, locked. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { AdminUser, AdminUserList } from '../api/types';
import { session } from '../lib/session';
import { useValue } from '../lib/store';
import { FormError } from '../shop/account';
import { Confirm } from '../ui/Confirm';
import { Button } from '../ui/parts';
import { PagedTable } from './PagedTable';
import { WorkButton } from './WorkButton';
import { useConsoleSpeech } from './words';

const roles = ['customer', 'seller', 'admin'] as const;
type Role = (typeof roles)[number];

export function Users(): ReactNode {
  const { t, time } = useConsoleSpeech();
  const queries = useQueryClient();
  const who = useValue(session);
  const [email, setEmail] = useState('');
  const [role, setRole] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [locking, setLocking] = useState<AdminUser | null>(null);
  const [asked, setAsked] = useState<{ user: AdminUser; role: Role } | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['admin-users', email, role],
    queryFn: ({ pageParam, signal }) => ask<AdminUserList>('/admin/users', { query: { email, role, limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: (before) => before,
  });
  const users = list.data?.pages.flatMap((page) => page.items) ?? [];
  const change = async (user: AdminUser, patch: object): Promise<void> => {
    setError(null);
    setAsked(null);
    setLocking(null);
    try {
      await ask(`/admin/users/${user.id}`, { method: 'PATCH', body: patch });
    } catch (failure) {
      setError(failure);
    }
    await queries.invalidateQueries({ queryKey: ['admin-users'] }); // Without an answer it may have been done, too.
  };
  const find = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setEmail(String(new FormData(event.currentTarget).get('email')).trim());
  };
  return (
    <>
      <div className="bar">
        <h1>{t('nav.users')}</h1>
        <form className="find" onSubmit={find} role="search">
          <input name="email" type="search" aria-label={t('users.find')} placeholder={t('users.find')} />
          <Button type="submit">{t('home.search')}</Button>
        </form>
        <select aria-label={t('users.role')} value={role} onChange={(event) => setRole(event.target.value)}>
          <option value="">{t('home.kind.all')}</option>
          {roles.map((each) => <option key={each} value={each}>{t(`role.${each}`)}</option>)}
        </select>
      </div>
      <FormError error={error} />
      <PagedTable
        list={list} rows={users} label={t('nav.users')}
        head={<><th scope="col">{t('signIn.email')}</th><th scope="col">{t('products.name')}</th><th scope="col">{t('users.role')}</th><th scope="col">{t('users.since')}</th><th scope="col"><span className="unseen">{t('users.what')}</span></th></>}
        row={(user) => {
          const self = who.state === 'in' && who.user.id === user.id;
          return (
            <tr key={user.id}>
              <th scope="row">{user.email} {user.lockedAt && <span className="pill closed">{t('users.locked')}</span>}</th>
              <td>{user.name}</td>
              <td>
                <select aria-label={`${t('users.role')}: ${user.email}`} value={user.role} disabled={self} onChange={(event) => setAsked({ user, role: event.target.value as Role })}>
                  {roles.map((each) => <option key={each} value={each}>{t(`role.${each}`)}</option>)}
                </select>
              </td>
              <td>{time(user.createdAt)}</td>
              <td className="right">
                <Link className="button quiet small" to={`/admin/orders?userId=${user.id}`}>{t('nav.orders')}</Link>
                {!self && (
                  <WorkButton look={user.lockedAt ? 'plain' : 'danger'} className="small" means={user.lockedAt ? 'unlock' : 'lock'}
                    aria-label={`${t(user.lockedAt ? 'users.unlock' : 'users.lock')}: ${user.email}`}
                    work={async () => (user.lockedAt ? change(user, { locked: false }) : setLocking(user))}>
                    {t(user.lockedAt ? 'users.unlock' : 'users.lock')}
                  </WorkButton>
                )}
              </td>
            </tr>
          );
        }}
      />
      {asked && (
        <Confirm open onClose={() => setAsked(null)} title={t('users.role.ask', { email: asked.user.email, role: t(`role.${asked.role}`) })} text={t('users.role.text')}>
          <div className="dialog-row">
            <Button onClick={() => setAsked(null)}>{t('cancel')}</Button>
            <Button look="danger" onClick={() => void change(asked.user, { role: asked.role })}>{t('users.role.do')}</Button>
          </div>
        </Confirm>
      )}
      {locking && (
        <Confirm open onClose={() => setLocking(null)} title={t('users.lock.ask', { email: locking.email })} text={t('users.lock.text')}>
          <div className="dialog-row">
            <Button onClick={() => setLocking(null)}>{t('cancel')}</Button>
            <Button look="danger" onClick={() => void change(locking, { locked: true })}>{t('users.lock')}</Button>
          </div>
        </Confirm>
      )}
    </>
  );
}
