/** The mail outbox: what waits, what was sent, what failed and why. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import { ask } from '../api/client';
import type { Mail, MailList } from '../api/types';
import { FormError } from '../shop/account';
import { PagedTable } from './PagedTable';
import { WorkButton } from './WorkButton';
import { useConsoleSpeech, type ConsoleWord } from './words';

const states: Mail['state'][] = ['waiting', 'sent', 'failed'];
const looks: Record<Mail['state'], string> = { waiting: 'scheduled', sent: 'open', failed: 'down' };

/** Kinds that this page has words for; others are shown by their names. */
const kinds: Record<string, ConsoleWord> = { verification: 'mails.verification', password_reset: 'mails.passwordReset' };

export function Mails(): ReactNode {
  const { t, time } = useConsoleSpeech();
  const queries = useQueryClient();
  const [parameters, setParameters] = useSearchParams();
  const [error, setError] = useState<unknown>(null);
  const state = parameters.get('state');
  const list = useInfiniteQuery({
    queryKey: ['mails', state],
    queryFn: ({ pageParam, signal }) => ask<MailList>('/admin/mails', { query: { state, limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 5000,
    placeholderData: (before) => before,
  });
  const mails = list.data?.pages.flatMap((page) => page.items) ?? [];
  const retry = async (mail: Mail): Promise<void> => {
    setError(null);
    try {
      await ask(`/admin/mails/${mail.id}/retry`, { method: 'POST' });
    } catch (failure) {
      setError(failure);
    }
    await queries.invalidateQueries({ queryKey: ['mails'] });
  };
  const nameOf = ({ kind }: Mail): string => (kinds[kind] ? t(kinds[kind]) : kind);
  return (
    <>
      <div className="bar">
        <h1>{t('nav.mail')}</h1>
        <select aria-label={t('products.state')} value={state ?? ''} onChange={(event) => setParameters(event.target.value ? { state: event.target.value } : {}, { replace: true })}>
          <option value="">{t('home.kind.all')}</option>
          {states.map((each) => <option key={each} value={each}>{t(`mails.${each}`)}</option>)}
        </select>
      </div>
      <FormError error={error} />
      <PagedTable
        list={list} rows={mails} label={t('nav.mail')}
        head={<><th scope="col">{t('mails.kind')}</th><th scope="col">{t('products.state')}</th><th scope="col">{t('mails.to')}</th><th scope="col">{t('orders.when')}</th><th scope="col" className="right">{t('mails.attempts')}</th><th scope="col">{t('mails.reason')}</th><th scope="col"><span className="unseen">{t('users.what')}</span></th></>}
        row={(mail) => (
          <tr key={mail.id}>
            <th scope="row">{nameOf(mail)}</th>
            <td><span className={`pill ${looks[mail.state]}`}>{t(`mails.${mail.state}`)}</span>{mail.state === 'waiting' && mail.attempts > 0 && mail.nextAttemptAt && <small className="below">{t('mails.next', { time: time(mail.nextAttemptAt) })}</small>}</td>
            <td>{mail.to ?? '–'} {mail.userId && <Link to={`/admin/orders?userId=${mail.userId}`}>{t('nav.orders')}</Link>}</td>
            <td>{time(mail.sentAt ?? mail.createdAt)}</td>
            <td className="right">{mail.attempts}</td>
            <td className="detail">{mail.reason ?? ''}</td>
            <td className="right">{mail.state === 'failed' && <WorkButton className="small" aria-label={`${t('mails.retry')}: ${nameOf(mail)} ${mail.to ?? mail.id}`} work={() => retry(mail)}>{t('mails.retry')}</WorkButton>}</td>
          </tr>
        )}
      />
    </>
  );
}
