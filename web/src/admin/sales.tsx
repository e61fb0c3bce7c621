/**
 * Which sale is looked at: the one in the address. Where it names none, the one whose opening is nearest is written into
 * it, so that what stands above the buttons never becomes another sale by itself.
 */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { ask } from '../api/client';
import type { Product, ProductList } from '../api/types';
import { serverClock } from '../lib/clock';
import { Button, Empty, LoadError, Loading, Skeleton } from '../ui/parts';
import { useConsoleSpeech, type ConsoleWord } from './words';

export function nearest(sales: Product[], now: number): Product | undefined {
  const distance = (each: Product): number => Math.abs(Date.parse(each.sale!.opensAt) - now);
  return [...sales].sort((a, b) => distance(a) - distance(b))[0];
}

/** A page about one sale, with the choice of which. */
export function SalePage({ title, admin, children }: { title: ConsoleWord; admin: boolean; children: (product: Product) => ReactNode }): ReactNode {
  const { t } = useConsoleSpeech();
  const [parameters, setParameters] = useSearchParams();
  const list = useInfiniteQuery({
    queryKey: ['products', 'drops', admin],
    queryFn: ({ pageParam, signal }) => (admin
      ? ask<ProductList>('/products', { query: { kind: 'event', limit: 100, cursor: pageParam }, signal })
      : ask<ProductList>('/seller/products', { query: { limit: 100, cursor: pageParam }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 10_000,
  });
  const wanted = parameters.get('sale');
  const listed = list.data?.pages.flatMap((page) => page.items).filter((each) => each.sale) ?? [];
  // One that is not public yet, or on a page that was not asked for.
  const other = useQuery({
    queryKey: ['products', 'sale', wanted], enabled: list.isSuccess && wanted !== null && !listed.some((each) => each.id === wanted),
    queryFn: ({ signal }) => ask<Product>(`/products/${wanted}`, { signal }), refetchInterval: 10_000, retry: false,
  });
  const sales = other.data?.sale ? [other.data, ...listed] : listed;
  const first = wanted === null ? nearest(listed, serverClock.now())?.id : undefined;
  useEffect(() => {
    if (first !== undefined) setParameters({ sale: first }, { replace: true });
  }, [first, setParameters]);
  const product = sales.find((each) => each.id === (wanted ?? first));
  return (
    <>
      <div className="bar">
        <h1>{product?.name ?? t(title)}</h1>
        {sales.length > 0 && (!product || sales.length > 1 || list.hasNextPage) && (
          <div className="pick"><span aria-hidden="true">{t('board.sale')}</span>
            <select aria-label={t('board.sale')} value={product?.id ?? ''} onChange={(event) => setParameters({ sale: event.target.value })}>
              {!product && <option value="" hidden />}
              {sales.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
            </select>
            {list.hasNextPage && <Button className="small" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('home.more')}</Button>}
          </div>
        )}
      </div>
      {list.isPending && <Loading of={list}><Skeleton className="block" /></Loading>}
      {list.isError && <LoadError of={list} />}
      {other.isLoading && <Loading of={other}><Skeleton className="block" /></Loading>}
      {!product && other.isError && <LoadError of={other} />}
      {list.isSuccess && !product && !other.isLoading && !other.isError && <Empty title={'home.empty'} text={'home.empty.text'} />}
      {product && children(product)}
    </>
  );
}
