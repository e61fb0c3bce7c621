/** Signing in, signing up, and the code that confirms an address. */
import { createContext, useContext, useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { Link, Navigate, useLocation, useNavigate, useSearchParams } from 'react-router';
import { ApiError, ask } from '../api/client';
import type { User } from '../api/types';
import { useSpeech } from '../i18n/language';
import { isUnanswered, SentBefore, untilAnswered } from '../lib/again';
import { useIsHere } from '../lib/here';
import { useTitle } from '../lib/hooks';
import { press } from '../lib/press';
import { changed, session, signIn } from '../lib/session';
import { useValue } from '../lib/store';
import { Button, Field, LinkButton, Notice, Spinner } from '../ui/parts';
import { Guard } from './Guard';

/** Where to go afterwards: an address of this shop, whatever the link says. */
export function placeAfter(wanted: string | null): string {
  return wanted && /^\/(((store|admin)([/?]|$))|$)/.test(wanted) ? wanted : '/';
}

function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}

/**
 * What the browser cannot read, half a date say, has the value of an empty field, and would be sent as nothing. What is
 * beyond a field's `max`, a year of five digits say, cannot be written as requests write it.
 */
function unreadable(form: HTMLFormElement): HTMLInputElement | undefined {
  return [...form.elements].find((each): each is HTMLInputElement =>
    each instanceof HTMLInputElement && (each.validity.badInput || each.validity.rangeOverflow));
}

/** No answer yet: it is sent again without a press. */
class StillAsking extends Error {}

/**
 * A form that sends once at a time and keeps what went wrong. What got no answer is sent again until there is one, or
 * until the form is gone or `stop` is called: `send` must mean the same however often it is carried out. Where it does
 * not (`once`), its caller sees to it that whoever pressed can look.
 */
export function useForm(send: (form: FormData) => Promise<void>, { once = false } = {}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  const sent = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // Whoever cannot see what is wrong hears it at the first field that is.
    if (error instanceof ApiError) sent.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [error]);
  const stop = (): void => running.current?.abort();
  useEffect(() => stop, []);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const half = unreadable(event.currentTarget);
    if (half) return void half.reportValidity();
    const data = new FormData(event.currentTarget);
    sent.current = event.currentTarget;
    const { signal } = (running.current = new AbortController());
    setBusy(true);
    setError(null);
    try {
      await (once ? send(data) : untilAnswered(() => send(data), signal, (why) => {
        if (why instanceof ApiError) throw why; // Too many: that is an answer here, and says how long to wait.
        setError(new StillAsking());
      }));
      setError(null);
    } catch (failure) {
      setError(signal.aborted ? null : failure);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, stop, submit: (event: FormEvent<HTMLFormElement>) => void submit(event) };
}

/** Operators are told more than buyers: what the server says to developers. */
export const TellsDetails = createContext(false);

/** What a form says about a failure, beside what its `fields` say. */
export function FormError({ error, known = {}, fields = [] }: { error: unknown; known?: Record<string, string>; fields?: string[] }): ReactNode {
  const { t } = useSpeech();
  const detailed = useContext(TellsDetails);
  if (!error) return null;
  if (error instanceof StillAsking) return <Notice>{t('error.text')}</Notice>;
  if (error instanceof ApiError && error.status === 429) return <Notice kind="bad">{t('signIn.many', { seconds: error.retryAfter ?? 1 })}</Notice>;
  if (isUnanswered(error)) return <Notice kind="bad" title={t('error.unknown')}>{t('error.unknown.text')}</Notice>;
  if (!(error instanceof ApiError)) return <Notice kind="bad">{String(error)}</Notice>;
  if (known[error.code]) return <Notice kind="bad">{known[error.code]}</Notice>;
  const unsaid = error.besides(fields);
  // Said at the fields. It is read out, too: the one that is wrong may have the focus already.
  if (error.problem.errors?.length && unsaid.length === 0) return <p className="unseen" role="alert">{error.sentence}</p>;
  return (
    <Notice kind="bad">
      {error.sentence}
      {unsaid.map((each) => <p key={each}>{each}</p>)}
      {detailed && unsaid.length === 0 && <p className="small">{error.message}</p>}
    </Notice>
  );
}

export const fieldError = (error: unknown, name: string): string | null =>
  (error instanceof ApiError ? error.field(name) : null);

/**
 * Whoever was led to the form by the shop, and is signed in, as turns out a moment later or in another tab, needs none.
 * Whoever opens its own address may want another account; and what is sent here leads on by itself.
 */
function useWayOn(place: string, busy: boolean): ReactNode {
  const who = useValue(session);
  const isLed = useLocation().key !== 'default';
  const [sent, setSent] = useState(false);
  if (busy && !sent) setSent(true);
  return who.state === 'in' && isLed && !sent && !place.startsWith('/admin') ? <Navigate to={place} replace /> : null;
}

export function SignInPage(): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('signIn.title')} · MARKET`);
  const go = useNavigate();
  const [parameters] = useSearchParams();
  const to = parameters.get('to');
  const place = placeAfter(to);
  const isHere = useIsHere();
  const form = useForm(async (data) => {
    await signIn(textOf(data, 'email'), String(data.get('password')));
    if (!isHere()) return;
    if (place.startsWith('/admin')) location.replace(place); // The console is a document of its own.
    else await go(place, { replace: true });
  });
  const on = useWayOn(place, form.busy);
  if (on) return on;
  return (
    <div className="page narrow">
      <h1>{t('signIn.title')}</h1>
      <form onSubmit={form.submit} noValidate>
        <FormError error={form.error} known={{ invalid_credentials: t('signIn.wrong') }} fields={['email', 'password']} />
        <Field name="email" type="email" label={t('signIn.email')} autoComplete="username" required autoFocus
          error={fieldError(form.error, 'email')} />
        <Field name="password" type="password" label={t('signIn.password')} autoComplete="current-password" required
          error={fieldError(form.error, 'password')} />
        <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t('signIn.do')}</Button>
      </form>
      <p className="aside"><Link to="/store/forgot">{t('forgot.link')}</Link></p>
      <p className="aside">{t('signIn.new')} <Link to={`/store/sign-up${to ? `?to=${encodeURIComponent(to)}` : ''}`}>{t('nav.signUp')}</Link></p>
    </div>
  );
}

export function SignUpPage(): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('signUp.title')} · MARKET`);
  const go = useNavigate();
  const [parameters] = useSearchParams();
  const to = placeAfter(parameters.get('to'));
  const [before] = useState(() => new SentBefore());
  const isHere = useIsHere();
  const form = useForm(async (data) => {
    const email = textOf(data, 'email');
    const password = String(data.get('password'));
    await before.send(email, () => ask('/users', { method: 'POST', body: { email, password, name: textOf(data, 'name') }, plain: true }),
      ({ code }) => code === 'email_taken'); // Made by the try before: signing in tells.
    await signIn(email, password);
    if (!isHere()) return;
    const who = session.get();
    // A shop that asks for no confirmation has sent no code.
    if (who.state === 'in' && who.user.emailVerified) await go(to, { replace: true });
    else await go(`/store/verify?to=${encodeURIComponent(to)}`, { replace: true });
  });
  const on = useWayOn(to, form.busy);
  if (on) return on;
  return (
    <div className="page narrow">
      <h1>{t('signUp.title')}</h1>
      <form onSubmit={form.submit} noValidate>
        <FormError error={form.error} known={{ email_taken: t('signUp.taken'), invalid_credentials: t('signUp.taken') }} fields={['name', 'email', 'password']} />
        <Field name="name" label={t('signUp.name')} autoComplete="name" required autoFocus error={fieldError(form.error, 'name')} />
        <Field name="email" type="email" label={t('signIn.email')} autoComplete="email" required error={fieldError(form.error, 'email')} />
        <Field name="password" type="password" label={t('signIn.password')} autoComplete="new-password" required
          hint={t('signUp.password.hint')} error={fieldError(form.error, 'password')} />
        <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t('signUp.do')}</Button>
      </form>
      <p className="aside">{t('signUp.have')} <Link to={`/store/sign-in?to=${encodeURIComponent(to)}`}>{t('nav.signIn')}</Link></p>
    </div>
  );
}

function Verify({ email }: { email: string }): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('verify.title')} · MARKET`);
  const go = useNavigate();
  const [parameters] = useSearchParams();
  const to = placeAfter(parameters.get('to'));
  const [sent, setSent] = useState(false);
  const resend = async (): Promise<void> => {
    setSent(false);
    await ask('/users/verification/resend', { method: 'POST', body: { email }, plain: true });
    setSent(true);
  };
  const isHere = useIsHere();
  const form = useForm(async (data) => {
    try {
      await ask('/users/verification', { method: 'POST', body: { email, code: textOf(data, 'code') }, plain: true });
    } catch (error) {
      // A code is used up by a try whose answer was lost, or in another tab.
      if (!(error instanceof ApiError && error.code === 'invalid_code' && (await ask<User>('/users/me')).emailVerified)) throw error;
    }
    changed(await ask<User>('/users/me'));
    if (isHere()) await go(to, { replace: true });
  });
  return (
    <div className="page narrow">
      <h1>{t('verify.title')}</h1>
      <p>{t('verify.text', { email })}</p>
      <form onSubmit={form.submit} noValidate>
        <FormError error={form.error} known={{ invalid_code: t('verify.wrong') }} fields={['code']} />
        <Field name="code" label={t('verify.code')} inputMode="numeric" autoComplete="one-time-code" required autoFocus
          error={fieldError(form.error, 'code')} />
        <Button type="submit" look="main" aria-busy={form.busy}>{t('verify.do')}</Button>
      </form>
      <p className="aside">
        <Button look="quiet" onClick={() => press(resend)}>{t('verify.again')}</Button>
        {sent && <span role="status">{t('verify.sent')}</span>}
        <LinkButton look="quiet" to={to}>{t('verify.later')}</LinkButton>
      </p>
    </div>
  );
}

/** Whoever comes with a confirmed address has no code to enter; what is said to whom confirms it here is left alone. */
function Unverified({ user }: { user: User }): ReactNode {
  const [parameters] = useSearchParams();
  const [was] = useState(user.emailVerified);
  return was ? <Navigate to={placeAfter(parameters.get('to'))} replace /> : <Verify email={user.email} />;
}

export function VerifyPage(): ReactNode {
  return <Guard>{(user) => <Unverified user={user} />}</Guard>;
}
