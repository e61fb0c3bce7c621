/** A product, and the way to get it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { ApiError } from '../api/client';
import type { Product } from '../api/types';
import { useSpeech } from '../i18n/language';
import { serverClock } from '../lib/clock';
import { useClockSync, useSale, useServerNow, useTitle } from '../lib/hooks';
import { productQuery } from '../lib/queries';
import { saleTimes } from '../lib/sale';
import { Art } from '../ui/Art';
import { Countdown } from '../ui/Countdown';
import { Empty, LinkButton, LoadError, Loading, Skeleton } from '../ui/parts';
import { BuyPanel } from './BuyPanel';
import { StatePill, StockBar } from './stock';

/** The server's time, and how far the reader's own clock is from it. */
function ServerTime(): ReactNode {
  const { t, clock } = useSpeech();
  const now = useServerNow();
  const offset = serverClock.ownOffset();
  if (!offset) return null;
  const seconds = (Math.abs(offset.ms) / 1000).toFixed(1);
  const sure = Math.max(100, offset.error);
  const said = Math.abs(offset.ms) <= sure ? t('clock.exact')
    : t(offset.ms > 0 ? 'clock.ahead' : 'clock.behind', { seconds });
  return (
    <p className="server-time" title={t('clock.why')}>
      <span>{t('clock.server', { time: clock(now) })}</span> <span>{said}</span>
      {' '}<span className="unsure">{t('clock.unsure', { ms: Math.round(offset.error) })}</span>
    </p>
  );
}

function Details({ product }: { product: Product }): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="details">
      {product.description && (
        <section>
          <h2>{t('product.about')}</h2>
          {product.description.split(/\n{2,}/).map((part, index) => <p key={index}>{part}</p>)}
        </section>
      )}
      {product.sale && (
        <section>
          <h2>{t('product.how')}</h2>
          <ul className="how">
            <li>{t('product.how.1')}</li>
            <li>{t('product.how.2')}</li>
            <li>{t('product.how.3')}</li>
          </ul>
        </section>
      )}
    </div>
  );
}

function Offer({ product }: { product: Product }): ReactNode {
  const { t, price, time, number } = useSpeech();
  useTitle(`${product.name} · MARKET`);
  useClockSync(product.id);
  const { live, sale, now } = useSale(product, ['product', product.id]);
  const queries = useQueryClient();
  useEffect(() => {
    if (live.freshness === 'gone') void queries.invalidateQueries({ queryKey: ['product', product.id] });
  }, [live.freshness, product.id, queries]);
  const limit = product.sale?.perUserLimit;
  return (
    <article className="offer">
      <div className="offer-art"><Art product={product} eager sizes="(min-width: 60rem) 36rem, 100vw" /></div>
      <div className="offer-text">
        <p className="hero-line">
          <span role="status"><StatePill state={sale.state} regular={!product.sale} /></span>
          {product.category && <span>{product.category}</span>}
        </p>
        <h1>{product.name}</h1>
        <p className="price big">{price(product.price)}</p>
        <ul className="facts">
          {product.sale && saleTimes(product.sale, sale.state, now).map(({ word, at }) => <li key={word}>{t(word, { time: time(at) })}</li>)}
          {product.sale && <li>{limit ? t('sale.limit', { count: number(limit) }) : t('sale.noLimit')}</li>}
        </ul>
        {sale.state === 'scheduled' && (
          <div className="opening">
            <p className="label">{t('count.label')}</p>
            <Countdown until={sale.opensAt} />
          </div>
        )}
        <StockBar product={product} stock={live.value} freshness={live.freshness} />
        <BuyPanel product={product} stock={live.value} sale={sale} />
        {product.sale && <ServerTime />}
        <Details product={product} />
      </div>
    </article>
  );
}

export default function ProductPage(): ReactNode {
  const { id = '' } = useParams();
  const { t } = useSpeech();
  const product = useQuery({ ...productQuery(id), refetchInterval: 30_000 });
  if (product.isPending)
    return (
      <div className="page">
        <Loading of={product}>
          <div className="offer">
            <Skeleton className="offer-art" />
            <div className="offer-text"><Skeleton className="line" /><Skeleton className="line wide tall" /><Skeleton className="block" /></div>
          </div>
        </Loading>
      </div>
    );
  const missing = product.error instanceof ApiError && product.error.missing;
  if (missing || (product.isError && !product.data))
    return (
      <div className="page">
        {missing ? (
          <Empty page title="product.missing" text="product.missing.text">
            <LinkButton look="main" to="/">{t('notFound.home')}</LinkButton>
          </Empty>
        ) : <LoadError of={product} />}
      </div>
    );
  return <div className="page"><Offer key={product.data.id} product={product.data} /></div>;
}
