/** Who changed what. */
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ask } from '../api/client';
import type { AuditList } from '../api/types';
import { Button, Empty, LoadError, Loading, Skeleton } from '../ui/parts';
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
      {list.isPending && <Loading><Skeleton className="block" /></Loading>}
      {list.isError && <LoadError retry={() => void list.refetch()} />}
      {list.isSuccess && entries.length === 0 && <Empty title="home.none" text="home.none.text" />}
      {entries.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label={t('nav.audit')}>
          <table>
            <thead><tr><th scope="col">{t('audit.at')}</th><th scope="col">{t('audit.who')}</th><th scope="col">{t('audit.action')}</th><th scope="col">{t('audit.subject')}</th><th scope="col">{t('audit.detail')}</th><th scope="col">{t('services.status')}</th></tr></thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <td>{time(entry.at)}</td><td><code>{entry.actorId}</code> {t(`role.${entry.role}`)}</td><th scope="row">{entry.action}</th>
                  <td><code>{entry.subject ?? '–'}</code></td><td className="detail">{entry.detail}</td><td>{entry.status ?? '?'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.hasNextPage && <p className="more"><Button onClick={() => void list.fetchNextPage()}>{t('home.more')}</Button></p>}
    </>
  );
}
