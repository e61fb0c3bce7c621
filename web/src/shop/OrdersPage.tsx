import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { Order, OrderList } from '../api/types';
import { useSpeech } from '../i18n/language';
import { useTitle } from '../lib/hooks';
import { Cover } from '../ui/Art';
import { TimeLeft } from '../ui/Countdown';
import { Button, Empty, LinkButton, Loading, Skeleton, Stale } from '../ui/parts';
import { Guard } from './Guard';

function Row({ order }: { order: Order }): ReactNode {
  const { t, price, time, number } = useSpeech();
  const first = order.items[0]!;
  return (
    <li className="order-row">
      <div className="order-art"><Cover seed={first.name} /></div>
      <div>
        <p className="card-line"><span className={`pill ${order.state}`}>{t(`state.${order.state}`)}</span> <span>{time(order.createdAt)}</span></p>
        <h2><Link to={`/store/orders/${order.id}`}>{first.name}{order.items.length > 1 && ` +${order.items.length - 1}`}</Link></h2>
        <p className="muted">
          {price(order.total)}{first.ticket !== null && ` · No. ${number(first.ticket)}`}
          {order.state === 'accepted' && <> · {t('pay.left')} <TimeLeft until={Date.parse(order.payBy)} /></>}
        </p>
      </div>
    </li>
  );
}

function Orders(): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('orders.title')} · MARKET`);
  const list = useInfiniteQuery({
    queryKey: ['orders'],
    queryFn: ({ pageParam, signal }) => ask<OrderList>('/orders', { query: { limit: 20, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 15_000,
  });
  const orders = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="page medium">
      <h1>{t('orders.title')}</h1>
      {list.isPending && <Loading of={list}>{[0, 1, 2].map((i) => <Skeleton key={i} className="row-skeleton" />)}</Loading>}
      <Stale of={list} />
      {list.isSuccess && orders.length === 0 && (
        <Empty title="orders.none" text="orders.none.text"><LinkButton look="main" to="/">{t('orders.browse')}</LinkButton></Empty>
      )}
      <ul className="order-list">{orders.map((order) => <Row key={order.id} order={order} />)}</ul>
      {list.hasNextPage && <p className="more"><Button onClick={() => void list.fetchNextPage()}>{t('home.more')}</Button></p>}
    </div>
  );
}

export default function OrdersPage(): ReactNode {
  return <Guard>{() => <Orders />}</Guard>;
}
