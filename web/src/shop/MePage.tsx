import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { SessionList, User } from '../api/types';
import { useSpeech } from '../i18n/language';
import { isDone, SentBefore } from '../lib/again';
import { useTitle } from '../lib/hooks';
import { press } from '../lib/press';
import { profileChange, profileNews } from '../lib/profile';
import { changed, ended, signOut } from '../lib/session';
import { Confirm } from '../ui/Confirm';
import { saveFile } from '../lib/file';
import { Button, Field, LoadError, Loading, Notice, Skeleton } from '../ui/parts';
import { fieldError, FormError, useForm } from './account';
import { Guard } from './Guard';

function Profile({ user }: { user: User }): ReactNode {
  const { t } = useSpeech();
  const [saved, setSaved] = useState(false);
  const fields = useRef<HTMLFormElement>(null);
  const shown = useRef(user);
  useEffect(() => {
    // Saved elsewhere: what is not being changed here is shown as it is now, and so is not sent back as it was.
    const typed = new FormData(fields.current!);
    const news = profileNews(shown.current, user, (name) => String(typed.get(name) ?? ''));
    for (const [name, value] of Object.entries(news))
      (fields.current!.elements.namedItem(name) as HTMLInputElement).value = value;
    shown.current = user;
  }, [user]);
  const form = useForm(async (data) => {
    setSaved(false);
    const body = profileChange(user, (name) => String(data.get(name) ?? ''));
    if (Object.keys(body).length > 0) changed(await ask<User>('/users/me', { method: 'PATCH', body }));
    setSaved(true);
  });
  return (
    <section aria-labelledby="profile">
      <h2 id="profile">{t('me.profile')}</h2>
      <p className="muted">
        {user.email} · {user.emailVerified ? t('me.verified') : <Link to="/store/verify?to=/store/me">{t('me.unverified')}</Link>}
      </p>
      <form ref={fields} onSubmit={form.submit} noValidate>
        <FormError error={form.error} fields={['name', 'phone', 'address']} />
        {saved && <Notice kind="good">{t('me.saved')}</Notice>}
        <Field name="name" label={t('signUp.name')} autoComplete="name" defaultValue={user.name} error={fieldError(form.error, 'name')} />
        <Field name="phone" type="tel" label={t('me.phone')} autoComplete="tel" defaultValue={user.phone ?? ''} error={fieldError(form.error, 'phone')} />
        <Field name="address" label={t('me.address')} autoComplete="street-address" defaultValue={user.address ?? ''} error={fieldError(form.error, 'address')} />
        <Button type="submit" aria-busy={form.busy}>{t('me.save')}</Button>
      </form>
    </section>
  );
}

function Password(): ReactNode {
  const { t } = useSpeech();
  const queries = useQueryClient();
  const [done, setDone] = useState(0);
  const [before] = useState(() => new SentBefore());
  const form = useForm(async (data) => {
    const [currentPassword, newPassword] = [String(data.get('currentPassword')), String(data.get('newPassword'))];
    const change = (from: string) => () => ask('/users/me/password', { method: 'PUT', body: { currentPassword: from, newPassword } });
    // Where the new one holds already, it is the current one.
    await before.send(newPassword, change(currentPassword), ({ code }) => code === 'invalid_credentials' && isDone(change(newPassword)));
    setDone((count) => count + 1);
    void queries.invalidateQueries({ queryKey: ['sessions'] });
  });
  return (
    <section aria-labelledby="password">
      <h2 id="password">{t('me.password')}</h2>
      <form key={done} onSubmit={form.submit} noValidate>
        <FormError error={form.error} known={{ invalid_credentials: t('me.password.wrong') }} fields={['currentPassword', 'newPassword']} />
        {done > 0 && <Notice kind="good">{t('me.password.done')}</Notice>}
        <Field name="currentPassword" type="password" label={t('me.password.current')} autoComplete="current-password" error={fieldError(form.error, 'currentPassword')} />
        <Field name="newPassword" type="password" label={t('me.password.new')} autoComplete="new-password" hint={t('signUp.password.hint')} error={fieldError(form.error, 'newPassword')} />
        <Button type="submit" aria-busy={form.busy}>{t('me.password.do')}</Button>
      </form>
    </section>
  );
}

function Sessions(): ReactNode {
  const { t, time } = useSpeech();
  const list = useQuery({ queryKey: ['sessions'], queryFn: ({ signal }) => ask<SessionList>('/sessions', { query: { limit: 100 }, signal }) });
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">{t('me.sessions')}</h2>
      {list.isPending && <Loading of={list}><Skeleton className="line wide" /></Loading>}
      {list.isError && <LoadError of={list} />}
      <ul className="lines">
        {list.data?.items.map((each) => (
          <li key={each.id}>
            <span className="device">{each.device || '—'}{each.current && <b className="pill open">{t('me.sessions.this')}</b>}</span>
            <span className="muted">{t('me.sessions.used', { time: time(each.usedAt) })}</span>
          </li>
        ))}
      </ul>
      <div className="ways-out">
        <Button onClick={() => press(signOut)}>{t('nav.signOut')}</Button>
        <Button look="danger" onClick={() => press(() => signOut(true))}>{t('me.sessions.all')}</Button>
      </div>
    </section>
  );
}

function Data({ user }: { user: User }): ReactNode {
  const { t } = useSpeech();
  const [asking, setAsking] = useState(false);
  const [before] = useState(() => new SentBefore());
  const form = useForm(async (data) => {
    await before.send('', () => ask('/users/me', { method: 'DELETE', body: { password: String(data.get('password')) } }),
      ({ code }) => code === 'unauthenticated'); // Of an account that is no more.
    ended();
  });
  const close = (): void => {
    form.stop();
    setAsking(false);
  };
  const download = async (): Promise<void> =>
    saveFile('market.json', 'application/json', JSON.stringify(await ask('/users/me/export'), null, 2));
  return (
    <section aria-labelledby="data">
      <h2 id="data">{t('me.data')}</h2>
      <p className="muted">{t('me.data.text')}</p>
      <div className="ways-out">
        <Button onClick={() => press(download)}>{t('me.data.do')}</Button>
        {user.role !== 'admin' && <Button look="danger" onClick={() => setAsking(true)}>{t('me.end')}</Button>}
      </div>
      <Confirm open={asking} onClose={close} title={t('me.end.ask')} text={t('me.end.text')}>
        <form onSubmit={form.submit} noValidate>
          <FormError error={form.error} known={{ invalid_credentials: t('me.password.wrong') }} fields={['password']} />
          <Field name="password" type="password" label={t('me.password.current')} autoComplete="current-password" error={fieldError(form.error, 'password')} />
          <div className="dialog-row">
            <Button onClick={close}>{t('cancel.keep')}</Button>
            <Button type="submit" look="danger" aria-busy={form.busy}>{t('me.end.do')}</Button>
          </div>
        </form>
      </Confirm>
    </section>
  );
}

function Me({ user }: { user: User }): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('me.title')} · MARKET`);
  return (
    <div className="page medium stack">
      <h1>{t('me.title')}</h1>
      <Profile user={user} />
      <Password />
      <Sessions />
      <Data user={user} />
    </div>
  );
}

export default function MePage(): ReactNode {
  return <Guard>{(user) => <Me user={user} />}</Guard>;
}
