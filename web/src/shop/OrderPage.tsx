/** One order: its number, paying in time, what happened, and the ways out of it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { ApiError, ask } from '../api/client';
import type { Order } from '../api/types';
import { useSpeech } from '../i18n/language';
import { useLeavesFocusAround } from '../lib/focus';
import { useLive, useServerNow, useTitle } from '../lib/hooks';
import { usePayment } from '../lib/payment';
import { KeptKey } from '../lib/key';
import { orderQuery } from '../lib/queries';
import { session } from '../lib/session';
import { useValue } from '../lib/store';
import { untilAnswered } from '../lib/again';
import { TimeLeft } from '../ui/Countdown';
import { Confirm } from '../ui/Confirm';
import { Button, Empty, LinkButton, LoadError, Loading, Notice, Skeleton, Spinner } from '../ui/parts';
import { Ticket } from './BuyPanel';
import { FormError } from './account';
import { Guard } from './Guard';

const cards = ['ok', 'declined', 'slow'] as const;

function PayButton({ busy, onPress, children }: { busy: boolean; onPress: () => void; children: ReactNode }): ReactNode {
  const button = useLeavesFocusAround<HTMLButtonElement>();
  return (
    <button ref={button} type="button" className="button main buy-button" aria-disabled={busy || undefined} aria-busy={busy || undefined}
      onClick={busy ? undefined : onPress}>
      {busy && <Spinner />}{children}
    </button>
  );
}

function Payment({ order }: { order: Order }): ReactNode {
  const { t, price } = useSpeech();
  const { paying, pay } = usePayment(order);
  const [card, setCard] = useState<(typeof cards)[number]>('ok');
  const until = Date.parse(order.payBy);
  const now = useServerNow();
  if (order.payment.state === 'pending')
    return <Notice title={t('pay.pending')}>{t('pay.pending.text')}</Notice>;
  const busy = paying.state === 'asking' || paying.state === 'retrying';
  // Said at once, or by the bank after a while: then the order alone tells.
  const declined = paying.state === 'declined' || (paying.state === 'idle' && order.payment.state === 'declined');
  // What was sent in time may still be taken: only its answer says so.
  if (now >= until && !busy) return <Notice kind="bad" title={t('pay.over')}>{t('pay.over.text')}</Notice>;
  return (
    <section className="pay" aria-labelledby="pay">
      <div className="pay-head">
        <h2 id="pay">{t('pay.title', { price: price(order.total) })}</h2>
        <p>{t('pay.left')} <TimeLeft until={until} /></p>
      </div>
      <fieldset disabled={busy}>
        <legend>{t('pay.card')} <small>{t('pay.test')}</small></legend>
        {cards.map((each, index) => (
          <label key={each} className="card-choice">
            <input type="radio" name="card" value={each} checked={card === each} onChange={() => setCard(each)} />
            <span><b>•••• {`000${index + 1}`}</b> {t(`pay.card.${each}`)}</span>
          </label>
        ))}
      </fieldset>
      <PayButton busy={busy} onPress={() => pay(card)}>{busy ? t('pay.asking') : t('pay.now', { price: price(order.total) })}</PayButton>
      <div aria-live="polite">
        {paying.state === 'retrying' && <Notice>{t('pay.retrying')}</Notice>}
        {declined && <Notice kind="bad" title={t('pay.declined')}>{t('pay.declined.text')}</Notice>}
        {paying.state === 'refused' && <Notice kind="bad">{paying.detail}</Notice>}
      </div>
    </section>
  );
}

function WaysOut({ order }: { order: Order }): ReactNode {
  const { t } = useSpeech();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<'cancel' | 'return' | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [reason, setReason] = useState('');
  const [kept] = useState(() => ({ cancel: new KeptKey(), return: new KeptKey() }));
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  /** Sends the change until the server has answered, or the buyer keeps the order after all. */
  const run = async (verb: 'cancel' | 'return'): Promise<void> => {
    if (busy) return;
    const { signal } = (running.current = new AbortController());
    const body = verb === 'return' ? { reason } : {};
    setBusy(true);
    setError(null);
    try {
      const changed = await kept[verb].send((key) =>
        untilAnswered(() => ask<Order>(`/orders/${order.id}/${verb}`, { method: 'POST', body, key, signal }), signal), reason);
      queries.setQueryData(['order', order.id], changed);
      setAsking(null);
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    } finally {
      setBusy(false);
      void queries.invalidateQueries({ queryKey: ['order', order.id] }); // What was sent before may have been done.
    }
  };
  const close = (): void => {
    running.current?.abort();
    setAsking(null);
  };
  const open = (verb: 'cancel' | 'return'): void => {
    setError(null);
    setAsking(verb);
  };
  const cancellable = ['accepted', 'paid', 'preparing'].includes(order.state);
  const returnable = order.state === 'delivered' && order.payment.state !== 'refunding' && order.payment.state !== 'refunded';
  return (
    <div className="ways-out">
      {cancellable && <Button look="danger" onClick={() => open('cancel')}>{t('cancel.do')}</Button>}
      {returnable && <Button onClick={() => open('return')}>{t('return.do')}</Button>}
      <Confirm open={asking === 'cancel'} onClose={close} title={t('cancel.ask')} text={t('cancel.ask.text')}>
        <FormError error={error} />
        <div className="dialog-row">
          <Button onClick={close}>{t('cancel.keep')}</Button>
          <Button look="danger" aria-busy={busy} onClick={() => void run('cancel')}>{busy && <Spinner />}{t('cancel.do')}</Button>
        </div>
      </Confirm>
      <Confirm open={asking === 'return'} onClose={close} title={t('return.ask')} text={t('return.ask.text')}>
        <FormError error={error} />
        <label className="field"><span>{t('return.reason')}</span>
          <textarea value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} /></label>
        <div className="dialog-row">
          <Button onClick={close}>{t('cancel.keep')}</Button>
          <Button look="main" disabled={reason.trim() === ''} aria-busy={busy} onClick={() => void run('return')}>{t('return.send')}</Button>
        </div>
      </Confirm>
    </div>
  );
}

function Money({ order }: { order: Order }): ReactNode {
  const { t } = useSpeech();
  if (order.payment.state === 'refunding') return <Notice>{t('pay.refunding')}</Notice>;
  if (order.payment.state === 'refunded') return <Notice kind="good">{t('pay.refunded')}</Notice>;
  if (order.payment.state === 'paid' && order.state === 'paid') return <Notice kind="good">{t('pay.done')}</Notice>;
  return null;
}

/** `away`: nobody answers, and this is the order as it was. */
function Shown({ order, away }: { order: Order; away: boolean }): ReactNode {
  const { t, price, time, number } = useSpeech();
  useTitle(`${order.items[0]!.name} · ${t(`state.${order.state}`)} · MARKET`);
  const first = order.items.find((item) => item.ticket !== null);
  return (
    <div className="page medium order-page">
      <p className="back"><Link to="/store/orders">← {t('orders.title')}</Link></p>
      <h1 className="order-title">{order.items[0]!.name}{order.items.length > 1 && ` +${order.items.length - 1}`}</h1>
      <p className="card-line" role="status"><span className={`pill ${order.state}`}>{t(`state.${order.state}`)}</span> <span>{t('order.title', { id: order.id })}</span></p>
      {away && <Notice kind="bad">{t('error.text')}</Notice>}
      {first && (
        <Ticket ticket={first.ticket} name={t('order.number')}>
          <p>{t(`state.${order.state}`)}</p>
        </Ticket>
      )}
      <div className="paying" tabIndex={-1}>
        {order.state === 'accepted' && <Payment order={order} />}
        <Money order={order} />
      </div>
      <section aria-labelledby="items">
        <h2 id="items">{t('order.items')}</h2>
        <ul className="lines">
          {order.items.map((item) => (
            <li key={item.productId}>
              <Link to={`/store/products/${item.productId}`}>{item.name}</Link>
              <span className="muted">{t('order.each', { count: number(item.quantity), price: price(item.unitPrice) })}{item.ticket !== null && ` · No. ${number(item.ticket)}`}</span>
            </li>
          ))}
          <li className="total"><b>{t('order.total')}</b><b>{price(order.total)}</b></li>
        </ul>
      </section>
      <section aria-labelledby="history">
        <h2 id="history">{t('order.history')}</h2>
        <ol className="history">
          {order.history.map((step, index) => (
            <li key={index} className={index === order.history.length - 1 ? 'now' : ''}>
              <b>{t(`state.${step.state}`)}</b> <time dateTime={step.at}>{time(step.at)}</time>
            </li>
          ))}
        </ol>
        <p className="muted">{t('order.live')}</p>
      </section>
      <WaysOut order={order} />
    </div>
  );
}

function OneOrder({ id }: { id: string }): ReactNode {
  const { t } = useSpeech();
  const queries = useQueryClient();
  const order = useQuery(orderQuery(id));
  const isIn = useValue(session).state === 'in'; // Whose session was lost is told nothing meanwhile.
  const live = useLive<Order>(order.data && isIn ? `/orders/${id}/events` : null, `/orders/${id}`);
  useEffect(() => {
    if (live.value) queries.setQueryData(['order', id], live.value);
  }, [live.value, id, queries]);
  if (order.data) return <Shown order={order.data} away={live.freshness === 'away'} />;
  if (order.isPending) return <div className="page medium"><Loading of={order}><Skeleton className="line wide tall" /><Skeleton className="block" /></Loading></div>;
  return (
    <div className="page medium">
      {order.error instanceof ApiError && order.error.missing
        ? <Empty page title="order.missing" text="order.missing.text"><LinkButton look="main" to="/store/orders">{t('orders.title')}</LinkButton></Empty>
        : <LoadError of={order} />}
    </div>
  );
}

export default function OrderPage(): ReactNode {
  const { id = '' } = useParams();
  return <Guard>{() => <OneOrder key={id} id={id} />}</Guard>;
}
