/** Small parts that every page uses. */
import { useId, type ComponentProps, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ApiError, UnknownOutcome } from '../api/client';
import { useSpeech } from '../i18n/language';
import { useTitle } from '../lib/hooks';
import type { Word } from '../i18n/en';

type Look = 'main' | 'plain' | 'quiet' | 'danger';

export function Button({ look = 'plain', className = '', ...rest }: ComponentProps<'button'> & { look?: Look }): ReactNode {
  return <button type="button" className={`button ${look} ${className}`} {...rest} />;
}

export function LinkButton({ look = 'plain', className = '', ...rest }: ComponentProps<typeof Link> & { look?: Look }): ReactNode {
  return <Link className={`button ${look} ${className}`} {...rest} />;
}

export function Field({ label, hint, error, ...rest }: ComponentProps<'input'> & {
  label: string; hint?: string | undefined; error?: string | null | undefined;
}): ReactNode {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} aria-invalid={error ? true : undefined} aria-describedby={described || undefined} {...rest} />
      {hint && <p className="hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p className="wrong" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

/** Something that must be said: `good`, `bad`, or neither. It is read out when it appears. */
export function Notice({ kind = 'info', title, children }: {
  kind?: 'info' | 'good' | 'bad'; title?: string; children?: ReactNode;
}): ReactNode {
  return (
    <div className={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {title && <strong>{title}</strong>}
      {children && <div>{children}</div>}
    </div>
  );
}

export function Skeleton({ className = '' }: { className?: string }): ReactNode {
  return <span className={`skeleton ${className}`} aria-hidden="true" />;
}

/** Nobody answers, or only that it is too much now. */
function reasonOf(why: unknown): Word {
  const busy = why instanceof ApiError || (why instanceof UnknownOutcome && why.reason === 'busy');
  return busy ? 'error.busy' : 'error.text';
}

/** Says "loading" to those who cannot see the skeletons, and to everybody when it takes longer because nobody answers. */
export function Loading({ of, children }: { of?: { failureReason: unknown }; children: ReactNode }): ReactNode {
  const { t } = useSpeech();
  const why = of?.failureReason;
  return (
    <div aria-busy="true">
      <span className="unseen" role="status">{t('loading')}</span>
      {why != null && <Notice title={t('loading.longer')}>{t(reasonOf(why))}</Notice>}
      {children}
    </div>
  );
}

function PageTitle({ title }: { title: string }): null {
  useTitle(`${title} · MARKET`);
  return null;
}

/** `page`: it is all that the page has, so its title is the page's heading, and the window's. */
export function Empty({ title, text, page = false, children }: {
  title: Word; text: Word; page?: boolean; children?: ReactNode;
}): ReactNode {
  const { t } = useSpeech();
  const Heading = page ? 'h1' : 'h2';
  return (
    <div className="empty">
      {page && <PageTitle title={t(title)} />}
      <svg viewBox="0 0 64 40" aria-hidden="true">
        <path d="M2 4h60v11a5 5 0 0 0 0 10v11H2V25a5 5 0 0 0 0-10z" fill="none" stroke="currentColor" strokeWidth="2" />
        <path d="M44 5v30" stroke="currentColor" strokeWidth="2" strokeDasharray="3 3" />
      </svg>
      <Heading>{t(title)}</Heading>
      <p>{t(text)}</p>
      {children}
    </div>
  );
}

/** What could not be loaded, and why: an answer that refuses is not a shop that does not answer. */
export function LoadError({ of }: { of: { error: unknown; refetch: () => unknown } }): ReactNode {
  const { t } = useSpeech();
  return (
    <Notice kind="bad" title={t('error.title')}>
      <p>{of.error instanceof ApiError && !of.error.strange ? of.error.sentence : t('error.press')}</p>
      <Button onClick={() => void of.refetch()}>{t('error.again')}</Button>
    </Notice>
  );
}

/** What is shown stays, but it is of before: nobody answers any more (once is nothing yet), or with a refusal. */
export function Stale({ of }: { of: {
  data?: unknown; isError: boolean; error: unknown; failureCount: number; failureReason: unknown; refetch: () => unknown;
} }): ReactNode {
  const { t } = useSpeech();
  if (of.isError) return <LoadError of={of} />;
  if (of.data === undefined || of.failureCount < 2) return null;
  return <Notice kind="bad">{t(reasonOf(of.failureReason))}</Notice>;
}

export function Spinner(): ReactNode {
  return <span className="spinner" aria-hidden="true" />;
}
