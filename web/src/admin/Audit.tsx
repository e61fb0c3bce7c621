/** Who changed what. */
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ask } from '../api/client';
import type { AuditList } from '../api/types';
import { PagedTable } from './PagedTable';
import { useConsoleSpeech } from './words';

export function Audit(): ReactNode {
  const { t, time } = useConsoleSpeech();
  const list = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: ({ pageParam, signal }) => ask<AuditList>('/admin/audit', { query: { limit: 100, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 10_000,
  });
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <div className="bar"><h1>{t('nav.audit')}</h1></div>
      <PagedTable
        list={list} rows={entries} label={t('nav.audit')}
        head={<><th scope="col">{t('audit.at')}</th><th scope="col">{t('audit.who')}</th><th scope="col">{t('audit.action')}</th><th scope="col">{t('audit.subject')}</th><th scope="col">{t('audit.detail')}</th><th scope="col">{t('services.status')}</th></>}
        row={(entry) => (
          <tr key={entry.id}>
            <td>{time(entry.at)}</td><td><code>{entry.actorId}</code> {t(`role.${entry.role}`)}</td><th scope="row">{entry.action}</th>
            <td><code>{entry.subject ?? '–'}</code></td><td className="detail">{entry.detail}</td><td>{entry.status ?? '?'}</td>
          </tr>
        )}
      />
    </>
  );
}
