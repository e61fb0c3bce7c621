/** The cart: live prices, what cannot be ordered and why, and one order of all of it. */
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useLocation, useNavigate } from 'react-router';
import { ApiError, ask } from '../api/client';
import type { Cart, CartItem, User } from '../api/types';
import { useSpeech } from '../i18n/language';
import { buttonView } from '../lib/button';
import { browserCart, merged, setQuantity, takenOut, waits } from '../lib/cart';
import { useLeavesFocusAround } from '../lib/focus';
import { useTitle } from '../lib/hooks';
import { press } from '../lib/press';
import { productQuery } from '../lib/queries';
import { purchaseOf, type Purchase } from '../lib/purchase';
import { session } from '../lib/session';
import { useValue, Value } from '../lib/store';
import { Art } from '../ui/Art';
import { Button, Empty, LinkButton, LoadError, Loading, Notice, Skeleton, Spinner, Stale } from '../ui/parts';

/** Counts what is not in the cart yet. */
type Open = (more: 1 | -1) => void;

interface Row {
  productId: string;
  quantity: number;
  name: string;
  imageUrl: string | null;
  price: string | null;
  why: string | null;
}

/**
 * What is typed stands here until it rests: a digit is no change of its own, and a slow answer takes none back.
 * `open` hears whether there is such a number, which is not in the cart yet.
 */
function Count({ row, change, open }: { row: Row; change: (quantity: number) => Promise<unknown>; open?: Open }): ReactNode {
  const { t } = useSpeech();
  const [typed, setTyped] = useState<string | null>(null);
  const isOpen = typed !== null;
  useEffect(() => {
    if (!isOpen || !open) return undefined;
    open(1);
    return () => open(-1);
  }, [isOpen, open]);
  /** What is being changed: leaving the field and resting are one change. */
  const sent = useRef<string | null>(null);
  const take = (): void => {
    if (typed === null || typed === sent.current) return;
    const wanted = Math.min(1000, Math.floor(Number(typed)));
    const forget = (): void => setTyped((now) => (now === typed ? null : now));
    if (wanted < 1 || (sent.current === null && wanted === row.quantity)) return forget();
    sent.current = typed;
    press(() => change(wanted).finally(() => {
      if (sent.current === typed) sent.current = null;
      forget();
    }));
  };
  const latest = useRef(take);
  useEffect(() => { latest.current = take; });
  useEffect(() => {
    if (!typed) return undefined;
    const rest = setTimeout(() => latest.current(), 600);
    return () => clearTimeout(rest);
  }, [typed]);
  return (
    <label><span className="unseen">{t('buy.quantity')}: {row.name}</span>
      <input type="number" min={1} max={1000} value={typed ?? row.quantity}
        onChange={(event) => setTyped(event.target.value)} onBlur={take} /></label>
  );
}

function Remove({ name, onPress }: { name: string; onPress: () => void }): ReactNode {
  const { t } = useSpeech();
  const button = useLeavesFocusAround<HTMLButtonElement>();
  return <Button ref={button} look="quiet" className="small" aria-label={t('cart.removeName', { name })} onClick={onPress}>{t('cart.remove')}</Button>;
}

/** How many of it, and out with it; then what was typed and is not sent yet is forgotten. */
function Tools({ row, change, open }: { row: Row; change: (quantity: number) => Promise<unknown>; open?: Open }): ReactNode {
  const [removals, setRemovals] = useState(0);
  const remove = (): void => {
    setRemovals((before) => before + 1);
    press(() => change(0));
  };
  return (
    <div className="cart-tools">
      <Count key={removals} row={row} change={change} {...(open && { open })} />
      <Remove name={row.name} onPress={remove} />
    </div>
  );
}

function Rows({ rows, change, open }: {
  rows: Row[]; change: (productId: string, quantity: number) => Promise<unknown>; open?: Open;
}): ReactNode {
  return (
    <ul className="order-list" tabIndex={-1}>
      {rows.map((row) => (
        <li key={row.productId} className="order-row cart-row">
          <div className="order-art"><Art product={{ id: row.productId, name: row.name, imageUrl: row.imageUrl }} sizes="6rem" /></div>
          <div>
            <h2><Link to={`/store/products/${row.productId}`}>{row.name}</Link></h2>
            <p className="muted">{row.price}{row.why && <strong className="wrong"> {row.why}</strong>}</p>
          </div>
          <Tools row={row} change={(quantity) => change(row.productId, quantity)} {...(open && { open })} />
        </li>
      ))}
    </ul>
  );
}

const missing = (error: unknown): boolean => error instanceof ApiError && error.missing;

function Nothing(): ReactNode {
  const { t } = useSpeech();
  return <Empty title="cart.none" text="cart.none.text"><LinkButton look="main" to="/">{t('orders.browse')}</LinkButton></Empty>;
}

/** `changing`: what is shown is not what was typed last; it is ordered when it is. */
function Order({ cart, user, changing }: { cart: Cart; user: User; changing: boolean }): ReactNode {
  const { t, price } = useSpeech();
  const flow = purchaseOf(user.id, 'cart');
  const purchase = useValue(flow.state);
  const currencies = new Set(cart.items.map((each) => each.unitPrice?.currency).filter(Boolean)).size;
  const asking = purchase.state === 'asking';
  const waits = asking || changing;
  const view = buttonView({ state: 'open' }, purchase, true);
  const label = cart.total && !changing ? t('cart.order', { price: price(cart.total) }) : t('cart.orderAll');
  return (
    <div className="buy">
      <button type="button" className={`button main buy-button ${waits ? 'wait' : ''}`} disabled={!asking && (!cart.orderable || !cart.total)}
        aria-busy={waits || undefined} aria-disabled={waits || undefined}
        onClick={waits ? undefined : () => void flow.buy(cart.items.map(({ productId, quantity }) => ({ productId, quantity })))}>
        {waits && <Spinner />}{asking ? t(view.label) : label}
      </button>
      <div className="buy-text" aria-live="polite">
        {asking && view.text && <p>{t(view.text)}</p>}
        {purchase.state === 'refused' && (purchase.why === 'unknown'
          ? <Notice kind="bad" title={t('buy.pastUnknown')}><p>{t('buy.pastUnknown.text')}</p><LinkButton to="/store/orders">{t('nav.orders')}</LinkButton></Notice>
          : <Notice kind="bad" title={t('buy.failed')}>{purchase.detail}</Notice>)}
        {!cart.orderable && <p>{t(currencies > 1 ? 'cart.currencies' : 'cart.not')}</p>}
      </div>
    </div>
  );
}

/**
 * An order of the cart shows itself once, to whoever looks at the cart then or next; be the cart empty by now. True while
 * it is on its way: what is here is the cart of before, and a press would order it again.
 */
function useWayToTheOrder(buyer: string): boolean {
  const go = useNavigate();
  const queries = useQueryClient();
  const { key } = useLocation();
  const flow = purchaseOf(buyer, 'cart');
  const purchase = useValue(flow.state);
  useEffect(() => {
    const now = flow.state.get(); // Not what was rendered: it is forgotten when this page goes.
    if (now.state !== 'bought') return;
    flow.forgetRecord();
    queries.removeQueries({ queryKey: ['cart'] }); // As it was before the order.
    void go(`/store/orders/${now.orderId}`);
  }, [purchase, flow, go, queries]);
  // Also whoever comes back here before the page of the order was loaded: this one was there all the time.
  useEffect(() => () => flow.leave(), [flow, key]);
  return purchase.state === 'bought';
}

function OwnCart({ user }: { user: User }): ReactNode {
  const { t, price } = useSpeech();
  const queries = useQueryClient();
  const isOrdered = useWayToTheOrder(user.id);
  const cart = useQuery({ queryKey: ['cart'], queryFn: async ({ signal }) => {
    await takenOut();
    await merged();
    return ask<Cart>('/cart', { signal });
  }, refetchInterval: 5000 });
  const waiting = useValue(browserCart).length;
  const noRoom = useValue(waits);
  const [unsettled, setUnsettled] = useState(0);
  const open = useCallback<Open>((more) => setUnsettled((count) => count + more), []);
  const change = async (productId: string, quantity: number): Promise<void> => {
    open(1);
    try {
      const changed = await setQuantity(productId, quantity);
      await queries.cancelQueries({ queryKey: ['cart'] }); // An answer on its way may be of before the change.
      queries.setQueryData(['cart'], changed);
    } finally {
      open(-1);
    }
  };
  if (isOrdered || cart.isPending) return <Loading of={cart}><Skeleton className="row-skeleton" /></Loading>;
  if (!cart.data) return <LoadError of={cart} />;
  if (cart.data.items.length === 0) return <><Stale of={cart} /><Nothing /></>;
  const why = (item: CartItem): string | null => (item.reason ? t(`cart.reason.${item.reason}`, { remaining: item.remaining }) : null);
  return (
    <>
      <Stale of={cart} />
      {noRoom && <Notice title={t('cart.full')}>{t('cart.waits', { count: waiting })}</Notice>}
      <Rows change={change} open={open} rows={cart.data.items.map((item) => ({
        productId: item.productId, quantity: item.quantity, name: item.name ?? '…', imageUrl: item.imageUrl,
        price: item.unitPrice && price(item.unitPrice), why: why(item),
      }))} />
      <Order cart={cart.data} user={user} changing={unsettled > 0} />
    </>
  );
}

function BrowserCart(): ReactNode {
  const { t, price } = useSpeech();
  const lines = useValue(browserCart);
  const products = useQueries({
    queries: lines.map(({ productId }) => productQuery(productId)),
  });
  if (lines.length === 0) return <Nothing />;
  return (
    <>
      <Rows change={setQuantity} rows={lines.map((line, index) => {
        const product = products[index]?.data;
        return {
          ...line, name: product?.name ?? '…', imageUrl: product?.imageUrl ?? null, price: product ? price(product.price) : null,
          why: missing(products[index]?.error) ? t('cart.reason.product_not_found') : null,
        };
      })} />
      <LinkButton look="main" className="buy-button" to="/store/sign-in?to=/store/cart">{t('cart.signIn')}</LinkButton>
    </>
  );
}

const nothing = new Value<Purchase>({ state: 'idle' });

/** The session has ended in the middle: the cart is on the server, and a request that was under way goes on. */
function LostCart({ lastBuyer }: { lastBuyer: string | null }): ReactNode {
  const { t } = useSpeech();
  const asked = useValue(lastBuyer === null ? nothing : purchaseOf(lastBuyer, 'cart').state).state === 'signed_out';
  return (
    <Notice kind="bad" title={t('buy.signedOut')}>
      <p>{t(asked ? 'buy.signedOut.text' : 'cart.lost')}</p>
      <LinkButton look="main" to="/store/sign-in?to=/store/cart">{t('nav.signIn')}</LinkButton>
    </Notice>
  );
}

function Shown(): ReactNode {
  const who = useValue(session);
  const lines = useValue(browserCart);
  const buyer = who.state === 'in' ? who.user : null;
  const [lastBuyer, setLastBuyer] = useState<string | null>(null);
  if (buyer && buyer.id !== lastBuyer) setLastBuyer(buyer.id);
  if (who.state === 'unknown') return <Loading><Skeleton className="row-skeleton" /></Loading>;
  if (who.state === 'in') return <OwnCart key={who.user.id} user={who.user} />;
  return (
    <>
      {who.lost && <LostCart lastBuyer={lastBuyer} />}
      {(!who.lost || lines.length > 0) && <BrowserCart />}
    </>
  );
}

export default function CartPage(): ReactNode {
  const { t } = useSpeech();
  useTitle(`${t('cart.title')} · MARKET`);
  return (
    <div className="page medium stack">
      <h1>{t('cart.title')}</h1>
      <Shown />
      <p className="muted">{t('cart.hold')}</p>
    </div>
  );
}
