/** All orders: found, looked into, moved on, cancelled, exported. */
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../api/client';
import type { AdminOrder, AdminOrderList, Order, OrderState } from '../api/types';
import { useAddress } from '../lib/address';
import { useIsHere } from '../lib/here';
import { useMeaning } from '../lib/meaning';
import { FormError, useForm } from '../shop/account';
import { Confirm } from '../ui/Confirm';
import { Button, Field, Spinner, Stale } from '../ui/parts';
import { CsvButton } from './CsvButton';
import { PagedTable } from './PagedTable';
import { useConsoleSpeech } from './words';

const states: OrderState[] = ['accepted', 'paid', 'preparing', 'shipped', 'delivered', 'return_requested', 'returned', 'expired', 'cancelled'];
const next: Partial<Record<OrderState, OrderState>> = { paid: 'preparing', preparing: 'shipped', shipped: 'delivered', return_requested: 'returned' };

type Full = AdminOrder & Order;
type Verb = 'advance' | 'cancel' | 'refund';

/** Asked for its reason, which the audit log keeps. What was typed outlives the dialog, which makes way for signing in. */
function Refund({ reason, onReason, onRefund }: { reason: string; onReason: (reason: string) => void; onRefund: () => Promise<void> }): ReactNode {
  const { t } = useConsoleSpeech();
  const form = useForm(onRefund);
  return (
    <form onSubmit={form.submit}>
      <p>{t('orders.refund.text')}</p>
      <Field name="reason" label={t('orders.refund.reason')} maxLength={500} required autoFocus
        value={reason} onChange={(event) => onReason(event.target.value)} />
      <Button type="submit" look="danger" aria-busy={form.busy}>{t('orders.refund.do')}</Button>
    </form>
  );
}

/** `listed`: as the list had it; what happens to it meanwhile is shown, and decides what can be done. */
function Detail({ listed, onClose }: { listed: Full; onClose: () => void }): ReactNode {
  const { t, price, time, number } = useConsoleSpeech();
  const queries = useQueryClient();
  const read = useQuery({
    queryKey: ['admin-orders', 'one', listed.id],
    queryFn: ({ signal }) => ask<AdminOrder>(`/admin/orders/${listed.id}`, { signal }) as Promise<Full>,
    initialData: listed,
    refetchInterval: 2000,
  });
  const order = read.data;
  const [error, setError] = useState<unknown>(null);
  const [refunding, setRefunding] = useState(false);
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState<'cancel' | 'returned' | null>(null);
  const [doing, setDoing] = useState<Verb | null>(null);
  const isHere = useIsHere();
  const act = async (verb: Verb, body: object): Promise<void> => {
    if (doing) return;
    setDoing(verb);
    setError(null);
    try {
      await ask(`/admin/orders/${order.id}/${verb}`, { method: 'POST', body });
      await queries.invalidateQueries({ queryKey: ['admin-orders'] });
      if (isHere()) onClose(); // Closed by hand before: the dialog that is open now is another order's.
    } catch (failure) {
      setError(failure);
    } finally {
      setDoing(null);
      setAsked((now) => (now === asked ? null : now)); // Asked meanwhile: it stays.
    }
  };
  // Money goes back once: an order whose money has gone takes no further step. Nobody takes one that he has not read.
  const { means: step, fresh } = useMeaning(order.payment.state === 'paid' ? next[order.state] : undefined, doing !== null);
  const advance = (to: OrderState): void => {
    if (fresh) return;
    if (to === 'returned') setAsked(to);
    else void act('advance', { state: to });
  };
  const waits = doing !== null && <Spinner />;
  const cancellable = ['accepted', 'paid', 'preparing'].includes(order.state);
  const refundable = ['shipped', 'delivered', 'return_requested'].includes(order.state) && order.payment.state === 'paid';
  return (
    <Confirm open onClose={onClose} title={t('order.title', { id: order.id })}>
      <Stale of={read} />
      <FormError error={error} />
      <p><span className={`pill ${order.state}`}>{t(`state.${order.state}`)}</span> {t(`money.${order.payment.state}`)}</p>
      <ul className="lines">
        {order.items.map((item) => (
          <li key={item.productId}><span>{item.name}</span><span className="muted">{number(item.quantity)} × {price(item.unitPrice)}{item.ticket !== null && ` · No. ${number(item.ticket)}`}</span></li>
        ))}
        <li><b>{t('order.total')}</b><b>{price(order.total)}</b></li>
      </ul>
      <ol className="steps">{order.history.map((entry, index) => <li key={index}>{t(`state.${entry.state}`)} <time dateTime={entry.at}>{time(entry.at)}</time></li>)}</ol>
      <p className="muted">{t('orders.buyer')} <code>{order.userId}</code></p>
      {refundable && refunding && <Refund reason={reason} onReason={setReason} onRefund={() => act('refund', { reason })} />}
      {asked ? (
        <>
          <p>{t(asked === 'cancel' ? 'orders.cancel.text' : 'orders.returned.text')}</p>
          <div className="dialog-row">
            <Button autoFocus onClick={() => setAsked(null)}>{t('cancel')}</Button>
            {asked === 'cancel' && <Button look="danger" aria-busy={doing !== null} onClick={() => void act('cancel', {})}>{waits}{t('orders.cancel.do')}</Button>}
            {asked === 'returned' && <Button look="danger" aria-busy={doing !== null} onClick={() => void act('advance', { state: 'returned' })}>{waits}{t('orders.refund.do')}</Button>}
          </div>
        </>
      ) : (
        <div className="dialog-row">
          <Button onClick={onClose}>{t('dialog.close')}</Button>
          {refundable && !refunding && <Button look="danger" onClick={() => setRefunding(true)}>{t('orders.refund')}</Button>}
          {cancellable && <Button look="danger" onClick={() => setAsked('cancel')}>{t('cancel.do')}</Button>}
          {step && (
            <Button look="main" aria-busy={doing === 'advance'} aria-disabled={fresh || undefined} onClick={() => advance(step)}>
              {doing === 'advance' && <Spinner />}{t('orders.advance', { state: t(`state.${step}`) })}
            </Button>
          )}
        </div>
      )}
    </Confirm>
  );
}

export function Orders(): ReactNode {
  const { t, price, time, number } = useConsoleSpeech();
  const [parameters, set, setParameters] = useAddress();
  const [shown, setShown] = useState<Full | null>(null);
  const query = { state: parameters.get('state'), productId: parameters.get('productId'), userId: parameters.get('userId') };
  const list = useInfiniteQuery({
    queryKey: ['admin-orders', query],
    queryFn: ({ pageParam, signal }) => ask<AdminOrderList>('/admin/orders', { query: { ...query, limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 5000,
    placeholderData: (before) => before,
  });
  const orders = (list.data?.pages.flatMap((page) => page.items) ?? []) as Full[];
  return (
    <>
      <div className="bar">
        <h1>{t('nav.orders')}</h1>
        <select aria-label={t('products.state')} value={query.state ?? ''} onChange={(event) => set('state', event.target.value)}>
          <option value="">{t('home.kind.all')}</option>
          {states.map((state) => <option key={state} value={state}>{t(`state.${state}`)}</option>)}
        </select>
        <CsvButton query={query} name="orders.csv" />
      </div>
      {(query.productId || query.userId) && <p className="filters"><code>{query.productId ?? query.userId}</code> <Button look="quiet" className="small" onClick={() => setParameters({})}>{t('home.clear')}</Button></p>}
      <PagedTable
        list={list} rows={orders} label={t('nav.orders')}
        head={<><th scope="col">{t('orders.order')}</th><th scope="col">{t('products.state')}</th><th scope="col">{t('orders.what')}</th><th scope="col" className="right">No.</th><th scope="col" className="right">{t('order.total')}</th><th scope="col">{t('orders.when')}</th></>}
        row={(order) => (
          <tr key={order.id}>
            <th scope="row"><button type="button" className="link" onClick={() => setShown(order)}>{order.id}</button></th>
            <td><span className={`pill ${order.state}`}>{t(`state.${order.state}`)}</span></td>
            <td>{order.items[0]?.name}{order.items.length > 1 && ` +${order.items.length - 1}`}</td>
            <td className="right">{order.items[0]?.ticket == null ? '–' : number(order.items[0].ticket)}</td>
            <td className="right">{price(order.total)}</td>
            <td>{time(order.createdAt)}</td>
          </tr>
        )}
      />
      {shown && <Detail key={shown.id} listed={shown} onClose={() => setShown(null)} />}
    </>
  );
}
