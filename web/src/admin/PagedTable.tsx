/** A list of the console that comes in pages: while it loads, when it failed, when nothing is there, and the next page. */
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button, Loading, Skeleton, Stale } from '../ui/parts';
import { useConsoleSpeech } from './words';

type List = Pick<UseInfiniteQueryResult, 'data' | 'isPending' | 'failureCount' | 'failureReason' | 'error' | 'isError' | 'isSuccess' | 'hasNextPage' | 'refetch' | 'fetchNextPage'>;

/** `head`: the cells of the first row. */
export function PagedTable<Row>({ list, rows, label, head, row }: {
  list: List; rows: Row[]; label: string; head: ReactNode; row: (each: Row) => ReactNode;
}): ReactNode {
  const { t } = useConsoleSpeech();
  return (
    <>
      {list.isPending && <Loading of={list}><Skeleton className="block" /></Loading>}
      <Stale of={list} />
      {list.isSuccess && rows.length === 0 && (
        <div className="empty"><h2>{t('table.none')}</h2><p>{t('table.none.text')}</p></div>
      )}
      {rows.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label={label}>
          <table>
            <thead><tr>{head}</tr></thead>
            <tbody>{rows.map(row)}</tbody>
          </table>
        </div>
      )}
      {list.hasNextPage && <p className="more"><Button onClick={() => void list.fetchNextPage()}>{t('home.more')}</Button></p>}
    </>
  );
}
