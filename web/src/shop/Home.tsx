/** The catalogue: the drop that matters now on top, everything else below. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { CategoryList, Product, ProductList } from '../api/types';
import { useSpeech } from '../i18n/language';
import { useAddress } from '../lib/address';
import { useClockSync, useSale, useServerNow, useTitle } from '../lib/hooks';
import { saleView } from '../lib/sale';
import { Art } from '../ui/Art';
import { Countdown } from '../ui/Countdown';
import { Button, Empty, LinkButton, Loading, Notice, Skeleton, Stale } from '../ui/parts';
import { StatePill, StockBar } from './stock';

const addressOf = (product: Product): string => `/store/products/${product.id}`;

/** The one that opens next, else the one on sale that opened last; by the clock, for the list is read now and then. */
export function featured(products: Product[], now: number): Product | null {
  const drops = products.filter((each) => each.sale);
  const opensAt = (each: Product): number => Date.parse(each.sale!.opensAt);
  const those = (state: 'scheduled' | 'open'): Product[] => drops.filter((each) => saleView(each, null, now).state === state);
  const next = those('scheduled').sort((a, b) => opensAt(a) - opensAt(b))[0];
  const live = those('open').sort((a, b) => opensAt(b) - opensAt(a))[0];
  // A drop that opens within the hour is what people have come for.
  if (next && (!live || opensAt(next) - now < 3_600_000)) return next;
  return live ?? next ?? null;
}

function Hero({ product }: { product: Product }): ReactNode {
  const { t, price, time } = useSpeech();
  useClockSync(product.id);
  const { live, sale: view } = useSale(product, ['products']);
  return (
    <section className="hero" aria-labelledby="hero-name">
      <Link to={addressOf(product)} className="hero-art" tabIndex={-1} aria-hidden="true"><Art product={product} eager sizes="(min-width: 60rem) 36rem, 100vw" /></Link>
      <div className="hero-text">
        <p className="hero-line">
          <StatePill state={view.state} regular={!product.sale} />
          <span>{view.state === 'scheduled' ? t('sale.opensAt', { time: time(product.sale!.opensAt) }) : product.category}</span>
        </p>
        <h1 id="hero-name">{product.name}</h1>
        {view.state === 'scheduled' ? <Countdown until={view.opensAt} /> : (
          <StockBar product={product} stock={live.value} freshness={live.freshness} />
        )}
        <div className="hero-buy">
          <strong className="price">{price(product.price)}</strong>
          <LinkButton look="main" to={addressOf(product)}>{t(view.state === 'open' ? 'buy.open' : 'buy.seeDrop')}</LinkButton>
        </div>
      </div>
    </section>
  );
}

export function Card({ product, heading: Heading }: { product: Product; heading: 'h2' | 'h3' }): ReactNode {
  const { t, price, time, number } = useSpeech();
  const now = useServerNow(5000);
  const view = saleView(product, null, now);
  return (
    <li className={`card ${view.state}`}>
      <Link to={addressOf(product)} className="card-art" tabIndex={-1} aria-hidden="true"><Art product={product} /></Link>
      <div className="card-text">
        <p className="card-line">
          <StatePill state={view.state} regular={!product.sale} />
          {view.state === 'scheduled' && <span>{time(product.sale!.opensAt)}</span>}
          {view.state === 'open' && product.sale && (
            <span>{t('sale.left.short', { remaining: number(product.stock.remaining) })}</span>
          )}
        </p>
        <Heading><Link to={addressOf(product)}>{product.name}</Link></Heading>
        <p className="price">{price(product.price)}</p>
      </div>
    </li>
  );
}

/** Prices of several currencies come one behind the other, unless one is chosen. */
function Currencies({ pick }: { pick: (currency: string) => void }): ReactNode {
  const { t } = useSpeech();
  const newest = useQuery({ queryKey: ['products', 'currencies'], queryFn: ({ signal }) => ask<ProductList>('/products', { query: { limit: 100 }, signal }) });
  const there = [...new Set(newest.data?.items.map((each) => each.price.currency))].sort();
  if (there.length < 2) return null;
  return (
    <Notice>
      <p>{t('home.currencies')}</p>
      <p className="chips">{there.map((each) => <button key={each} type="button" className="chip" onClick={() => pick(each)}>{each}</button>)}</p>
    </Notice>
  );
}

function useFilters() {
  const [parameters, set, setParameters] = useAddress();
  const get = (name: string): string => parameters.get(name) ?? '';
  return { search: get('search'), kind: get('kind'), sort: get('sort'), category: get('category'), currency: get('currency'), set,
    clear: () => setParameters({}, { replace: true }), any: [...parameters.keys()].length > 0 };
}

function SearchBox({ value, onSearch }: { value: string; onSearch: (text: string) => void }): ReactNode {
  const { t } = useSpeech();
  const [text, setText] = useState(value);
  /** What was asked for here and has not come back as `value` yet: that takes its time, and is no news. */
  const asked = useRef<string[]>([]);
  const shown = useRef(value);
  useEffect(() => {
    shown.current = value;
    const own = asked.current.lastIndexOf(value);
    asked.current = own < 0 ? [] : asked.current.slice(own + 1);
    if (own < 0) setText(value);
  }, [value]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text === (asked.current.at(-1) ?? shown.current)) return;
      asked.current.push(text);
      onSearch(text);
    }, 300);
    return () => clearTimeout(timer);
    // eslint-disable-next-line -- a new onSearch is no new text
  }, [text]);
  return (
    <input type="search" className="search" aria-label={t('home.search')} placeholder={t('home.search.placeholder')}
      value={text} onChange={(event) => setText(event.target.value)} />
  );
}

export function Home(): ReactNode {
  const { t, number } = useSpeech();
  useTitle(`MARKET · ${t('brand.tagline')}`);
  const filters = useFilters();
  const { search, kind, sort, category, currency } = filters;
  // The newest: by opening those that ended long ago come first, and in time there are more of them than one page has.
  const drops = useQuery({
    queryKey: ['products', 'drops'],
    queryFn: ({ signal }) => ask<ProductList>('/products', { query: { kind: 'event', limit: 100 }, signal }),
    refetchInterval: 30_000,
  });
  const list = useInfiniteQuery({
    queryKey: ['products', 'list', search, kind, sort, category, currency],
    queryFn: ({ pageParam, signal }) =>
      ask<ProductList>('/products', { query: { search, kind, sort, category, currency, limit: 24, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: (before) => before,
    refetchInterval: 30_000,
  });
  const categories = useInfiniteQuery({
    queryKey: ['categories'],
    queryFn: ({ pageParam, signal }) => ask<CategoryList>('/categories', { query: { limit: 20, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    staleTime: 60_000,
  });
  const now = useServerNow(5000);
  const hero = filters.any ? null : featured(drops.data?.items ?? [], now);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const names = categories.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="page">
      {!filters.any && drops.isPending && <Loading of={drops}><Skeleton className="hero-skeleton" /></Loading>}
      {hero && <Hero key={hero.id} product={hero} />}
      <section aria-labelledby="all">
        <div className="list-head">
          {hero ? <h2 id="all">{t('home.all')}</h2> : <h1 id="all">{t('home.all')}</h1>}
          <SearchBox value={search} onSearch={(text) => filters.set('search', text)} />
          <div className="segments" role="group" aria-label={t('home.kind')}>
            {(['', 'event', 'regular'] as const).map((value) => (
              <button key={value} type="button" aria-pressed={kind === value} onClick={() => filters.set('kind', value)}>
                {t(`home.kind.${value || 'all'}`)}
              </button>
            ))}
          </div>
          <select aria-label={t('home.sort')} value={sort || 'newest'}
            onChange={(event) => filters.set('sort', event.target.value === 'newest' ? '' : event.target.value)}>
            {(['newest', 'opening', 'price', '-price'] as const).map((value) => (
              <option key={value} value={value}>{t(`home.sort.${value}`)}</option>
            ))}
          </select>
        </div>
        {names.length > 1 && (
          <div className="chips" role="group" aria-label={t('home.categories')}>
            {names.map(({ name }) => (
              <button key={name} type="button" className="chip" aria-pressed={category === name}
                onClick={() => filters.set('category', category === name ? '' : name)}>{name}</button>
            ))}
            {categories.hasNextPage && (
              <Button look="quiet" className="small" disabled={categories.isFetchingNextPage} onClick={() => void categories.fetchNextPage()}>{t('home.more')}</Button>
            )}
          </div>
        )}
        {filters.any && (
          <p className="filters">
            {currency && <button type="button" className="chip" aria-pressed onClick={() => filters.set('currency', '')}>{currency}</button>}
            <span role="status">{list.isSuccess && t('home.count', { count: number(items.length) })}</span>
            <Button look="quiet" className="small" onClick={filters.clear}>{t('home.clear')}</Button>
          </p>
        )}
        {list.isPending && <Loading of={list}><div className="grid">{Array.from({ length: 8 }, (_, i) => <Skeleton key={i} className="card-skeleton" />)}</div></Loading>}
        <Stale of={list} />
        {sort.endsWith('price') && !currency && <Currencies pick={(one) => filters.set('currency', one)} />}
        {list.isSuccess && items.length === 0 && (filters.any
          ? <Empty title="home.none" text="home.none.text" />
          : <Empty title="home.empty" text="home.empty.text" />)}
        <ul className="grid">{items.map((product) => <Card key={product.id} product={product} heading={hero ? 'h3' : 'h2'} />)}</ul>
        {list.hasNextPage && (
          <p className="more"><Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('home.more')}</Button></p>
        )}
      </section>
    </div>
  );
}
