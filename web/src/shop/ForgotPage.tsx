/** A new password by a code in a mail. Nothing here tells whether an address has an account. */
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import { useSpeech } from '../i18n/language';
import { isDone, SentBefore } from '../lib/again';
import { useTitle } from '../lib/hooks';
import { signIn } from '../lib/session';
import { Button, Field, Notice } from '../ui/parts';
import { fieldError, FormError, useForm } from './account';

export default function ForgotPage(): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('forgot.title')} · MARKET`);
  const [email, setEmail] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const send = useForm(async (data) => {
    const address = String(data.get('email')).trim();
    await ask('/users/password/forgotten', { method: 'POST', body: { email: address }, plain: true });
    setEmail(address);
  });
  const [before] = useState(() => new SentBefore());
  const reset = useForm(async (data) => {
    const [code, newPassword] = [String(data.get('code')).trim(), String(data.get('newPassword'))];
    await before.send(newPassword, () => ask('/users/password', { method: 'PUT', plain: true, body: { email, code, newPassword } }),
      (refusal) => refusal.code === 'invalid_code' && isDone(() => signIn(email!, newPassword)));
    setDone(true);
  });
  return (
    <div className="page narrow">
      <h1>{t('forgot.title')}</h1>
      {done && <Notice kind="good">{t('forgot.done')}</Notice>}
      {!done && email === null && (
        <form onSubmit={send.submit} noValidate>
          <p>{t('forgot.text')}</p>
          <FormError error={send.error} fields={['email']} />
          <Field name="email" type="email" label={t('signIn.email')} autoComplete="username" required error={fieldError(send.error, 'email')} />
          <Button type="submit" look="main" aria-busy={send.busy}>{t('forgot.do')}</Button>
        </form>
      )}
      {!done && email !== null && (
        <form onSubmit={reset.submit} noValidate>
          <Notice>{t('forgot.sent')}</Notice>
          <FormError error={reset.error} known={{ invalid_code: t('verify.wrong') }} fields={['code', 'newPassword']} />
          <Field name="code" label={t('verify.code')} autoComplete="one-time-code" required error={fieldError(reset.error, 'code')} />
          <Field name="newPassword" type="password" label={t('me.password.new')} autoComplete="new-password"
            hint={t('signUp.password.hint')} required error={fieldError(reset.error, 'newPassword')} />
          <Button type="submit" look="main" aria-busy={reset.busy}>{t('forgot.reset')}</Button>
        </form>
      )}
      <p className="aside"><Link to="/store/sign-in">{t('nav.signIn')}</Link></p>
    </div>
  );
}
