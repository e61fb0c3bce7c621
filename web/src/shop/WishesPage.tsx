import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ask } from '../api/client';
import type { User, WishList } from '../api/types';
import { useSpeech } from '../i18n/language';
import { press } from '../lib/press';
import { useTitle } from '../lib/hooks';
import { Button, Empty, LinkButton, Loading, Skeleton, Stale } from '../ui/parts';
import { Guard } from './Guard';
import { Card } from './Home';

function Wishes({ user }: { user: User }): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('wish.title')} · MARKET`);
  const queries = useQueryClient();
  const list = useInfiniteQuery({
    queryKey: ['wishes', 'pages', user.id],
    queryFn: ({ pageParam, signal }) => ask<WishList>('/wishlist', { query: { limit: 24, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 30_000,
  });
  const forget = async (productId: string): Promise<void> => {
    await ask(`/wishlist/${productId}`, { method: 'DELETE' });
    await queries.invalidateQueries({ queryKey: ['wishes'] });
  };
  const wishes = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="page">
      <h1 className="list-title">{t('wish.title')}</h1>
      {list.isPending && <Loading of={list}><div className="grid"><Skeleton className="card-skeleton" /><Skeleton className="card-skeleton" /></div></Loading>}
      <Stale of={list} />
      {list.isSuccess && wishes.length === 0 && (
        <Empty title="wish.none" text="wish.none.text"><LinkButton look="main" to="/">{t('orders.browse')}</LinkButton></Empty>
      )}
      <ul className="grid">
        {wishes.map(({ productId, product }) => (product ? <Card key={productId} product={product} heading="h2" /> : (
          <li key={productId} className="card">
            <p className="muted">{t('cart.reason.product_not_found')}</p>
            <Button className="small" onClick={() => press(() => forget(productId))}>{t('cart.remove')}</Button>
          </li>
        )))}
      </ul>
      {list.hasNextPage && (
        <p className="more"><Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('home.more')}</Button></p>
      )}
    </div>
  );
}

export default function WishesPage(): ReactNode {
  return <Guard>{(user) => <Wishes user={user} />}</Guard>;
}
