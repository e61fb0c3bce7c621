/** The one button, what stands around it, and the ticket that comes out of it. */
import { NumberField } from '@base-ui/react/number-field';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { ApiError } from '../api/client';
import type { Product, Stock } from '../api/types';
import { useSpeech } from '../i18n/language';
import { buttonView, type ButtonView } from '../lib/button';
import { useLeavesFocusAround } from '../lib/focus';
import { orderQuery } from '../lib/queries';
import { purchaseOf, type Purchase, type PurchaseFlow } from '../lib/purchase';
import { quantityMax, type SaleView } from '../lib/sale';
import { session } from '../lib/session';
import { useValue, Value } from '../lib/store';
import { Keep } from './Keep';
import { TimeLeft } from '../ui/Countdown';
import { Button, LinkButton, Notice, Spinner } from '../ui/parts';

const nothing = new Value<Purchase>({ state: 'idle' });

/** The number that was called: what everybody has come for. */
export function Ticket({ ticket, name, children }: { ticket: number | null; name: string; children?: ReactNode }): ReactNode {
  const { t, number } = useSpeech();
  return (
    <div className="ticket" role="status">
      <div className="ticket-main">
        <p className="ticket-name">{name}</p>
        <p className="ticket-number">
          <span className="unseen">{ticket === null ? t('buy.gotPlain') : t('buy.got', { ticket: number(ticket) })}</span>
          <span aria-hidden="true">{ticket === null ? '✓' : <><small>No.</small>{number(ticket)}</>}</span>
        </p>
      </div>
      <div className="ticket-stub">{children}</div>
    </div>
  );
}

function Bought({ purchase, flow, product }: {
  purchase: Extract<Purchase, { state: 'bought' }>; flow: PurchaseFlow; product: Product;
}): ReactNode {
  const { t } = useSpeech();
  const order = useQuery({ ...orderQuery(purchase.orderId), refetchInterval: 15_000 });
  const state = order.data?.state;
  const missing = order.error instanceof ApiError && order.error.missing;
  const over = missing || state === 'expired' || state === 'cancelled' || state === 'returned';
  useEffect(() => {
    if (over) flow.clear(); // The units went back, or the shop knows of no such order: the button stands here again.
  }, [over, flow]);
  const unpaid = state === 'accepted' && order.data?.payment.state !== 'pending';
  const limit = product.sale?.perUserLimit ?? null;
  const quantity = purchase.items.reduce((sum, each) => sum + each.quantity, 0);
  return (
    <>
      <Ticket ticket={purchase.ticket} name={product.name}>
        {unpaid && order.data ? (
          <>
            <p>{t('pay.left')} <TimeLeft until={Date.parse(order.data.payBy)} /></p>
            <LinkButton look="main" to={`/store/orders/${purchase.orderId}`}>{t('buy.payNow')}</LinkButton>
          </>
        ) : (
          <>
            {state && <p>{t(`state.${state}`)}</p>}
            <LinkButton look="main" to={`/store/orders/${purchase.orderId}`}>{t('buy.seeOrder')}</LinkButton>
          </>
        )}
      </Ticket>
      {(limit === null || limit > quantity) && (
        <Button look="quiet" onClick={() => flow.clear()}>{t('buy.another')}</Button>
      )}
    </>
  );
}

function Quantity({ value, max, onChange }: { value: number; max: number; onChange: (value: number) => void }): ReactNode {
  const { t } = useSpeech();
  return (
    <NumberField.Root className="quantity" min={1} max={max} value={value}
      onValueChange={(next) => onChange(Math.max(1, Math.min(max, next ?? 1)))}>
      <NumberField.Group className="quantity-group">
        <NumberField.Decrement className="step" aria-label={t('buy.fewer')}>−</NumberField.Decrement>
        <NumberField.Input className="count" aria-label={t('buy.quantity')} />
        <NumberField.Increment className="step" aria-label={t('buy.more')}>+</NumberField.Increment>
      </NumberField.Group>
    </NumberField.Root>
  );
}

export function BuyPanel({ product, stock, sale }: { product: Product; stock: Stock | null; sale: SaleView }): ReactNode {
  const { t, number, time, price } = useSpeech();
  const who = useValue(session);
  const go = useNavigate();
  const here = useLocation().pathname;
  const buyer = who.state === 'in' ? who.user : null;
  // Somebody who was signed out in the middle is told so, and that the request will go on.
  const [lastBuyer, setLastBuyer] = useState<string | null>(null);
  if (buyer && buyer.id !== lastBuyer) setLastBuyer(buyer.id);
  const lost = !buyer && lastBuyer !== null ? purchaseOf(lastBuyer, product.id) : null;
  const flow = buyer ? purchaseOf(buyer.id, product.id) : lost?.state.get().state === 'signed_out' ? lost : null;
  const purchase = useValue(flow?.state ?? nothing);
  useEffect(() => () => flow?.leave(), [flow]);
  const verified = buyer?.emailVerified ?? false;
  useEffect(() => {
    const now = flow?.state.get();
    if (verified && now?.state === 'refused' && now.why === 'email_unverified') flow?.leave(); // Confirmed in another tab.
  }, [verified, flow]);
  const remaining = stock?.remaining ?? product.stock.remaining;
  const max = quantityMax(product, remaining);
  const [wanted, setWanted] = useState(1);
  const quantity = Math.min(wanted, max);
  if (flow && purchase.state === 'bought')
    return <div className="bought" tabIndex={-1}><Bought purchase={purchase} flow={flow} product={product} /></div>;
  const view = buttonView(sale, purchase, buyer !== null);
  const values = {
    price: price({ ...product.price, amount: product.price.amount * quantity }),
    time: time(sale.state === 'closed' && sale.closedAt ? new Date(sale.closedAt).toISOString()
      : product.sale?.opensAt ?? product.createdAt),
    remaining: number(remaining), capacity: number(stock?.capacity ?? product.stock.capacity),
    count: number(product.sale?.perUserLimit ?? 0),
  };
  const press = (): void => {
    if (view.action === 'buy') void flow?.buy([{ productId: product.id, quantity }]);
    else if (view.action === 'sign-in') void go(`/store/sign-in?to=${encodeURIComponent(here)}`);
    else if (view.action === 'verify') void go(`/store/verify?to=${encodeURIComponent(here)}`);
  };
  return (
    <div className="buy" tabIndex={-1}>
      <div className="buy-row">
        {view.action === 'buy' && max > 1 && <Quantity value={quantity} max={max} onChange={setWanted} />}
        <BuyButton view={view} busy={who.state === 'unknown'} label={t(view.label, values)} onPress={press} />
      </div>
      <div className={`buy-text ${view.tone}`} aria-live="polite">
        {view.title && <strong>{t(view.title, values)}</strong>}
        {view.text && <p>{t(view.text, values)}</p>}
        {view.useDetail && purchase.state === 'refused' && <p>{purchase.detail}</p>}
      </div>
      <Keep product={product} user={buyer} />
      {purchase.state === 'refused' && (purchase.why === 'limit_exceeded' || purchase.why === 'unknown') && (
        <Notice><LinkButton look="quiet" to="/store/orders">{t('nav.orders')}</LinkButton></Notice>
      )}
    </div>
  );
}

/** While it asks it keeps the focus and says so; pressing it does nothing, and is no mistake. */
function BuyButton({ view, busy, label, onPress }: {
  view: ButtonView; busy: boolean; label: string; onPress: () => void;
}): ReactNode {
  const waits = view.action === 'wait';
  const button = useLeavesFocusAround<HTMLButtonElement>();
  return (
    <button ref={button} type="button" className={`button main buy-button ${view.action}`} disabled={view.action === 'none' || busy}
      aria-disabled={waits || undefined} aria-busy={waits || undefined} onClick={waits ? undefined : onPress}>
      {waits && <Spinner />}{label}
    </button>
  );
}
