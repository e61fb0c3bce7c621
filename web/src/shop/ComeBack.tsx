/** Instead of a page whose reader was signed out in the middle: he signs in, and it is there again. */
import { focusManager } from '@tanstack/react-query';
import { useEffect, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { User } from '../api/types';
import { useSpeech } from '../i18n/language';
import { signIn } from '../lib/session';
import { Button, Field, Spinner } from '../ui/parts';
import { fieldError, FormError, useForm } from './account';

/** For both, the shop and the console. */
export function SignInAgain({ user }: { user: User }): ReactNode {
  const { t } = useSpeech();
  const form = useForm((data) => signIn(user.email, String(data.get('password'))));
  useEffect(() => {
    focusManager.setFocused(false); // Nothing is read again meanwhile.
    return () => focusManager.setFocused(undefined);
  }, []);
  return (
    <form onSubmit={form.submit} noValidate>
      <FormError error={form.error} known={{ invalid_credentials: t('signIn.wrong') }} fields={['password']} />
      <Field name="password" type="password" label={t('signIn.password')} autoComplete="current-password" required autoFocus
        error={fieldError(form.error, 'password')} />
      <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t('signIn.do')}</Button>
    </form>
  );
}

/** `other`: where another account signs in; nothing of this page is kept for it. */
export function ComeBack({ user, other }: { user: User; other: string }): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="page narrow">
      <h1>{t('back.title')}</h1>
      <p>{t('back.text', { email: user.email })}</p>
      <SignInAgain user={user} />
      <p className="aside"><Link to={other}>{t('back.other')}</Link></p>
    </div>
  );
}
