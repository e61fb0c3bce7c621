import { useInfiniteQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { Product, ProductList } from '../api/types';
import { Art } from '../ui/Art';
import { LinkButton } from '../ui/parts';
import { PagedTable } from './PagedTable';
import { useConsoleSpeech } from './words';

/** When it becomes public, if that is still to come. */
function hiddenUntil({ publishAt }: Product): string | null {
  return publishAt && Date.parse(publishAt) > Date.now() ? publishAt : null;
}

/** Also those that are not public yet: administrators see all of them, sellers their own. */
export function Products({ admin }: { admin: boolean }): ReactNode {
  const { t, number, price, time } = useConsoleSpeech();
  const [search, setSearch] = useState('');
  const list = useInfiniteQuery({
    queryKey: ['products', 'console', admin, search],
    queryFn: ({ pageParam, signal }) => ask<ProductList>(admin ? '/admin/products' : '/seller/products', { query: { search, limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: (before) => before,
    refetchInterval: 10_000,
  });
  const products = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <div className="bar">
        <h1>{t('nav.products')}</h1>
        <input type="search" aria-label={t('home.search')} placeholder={t('home.search.placeholder')} value={search} onChange={(event) => setSearch(event.target.value)} />
        <LinkButton look="main" to="/admin/products/new">{t('products.new')}</LinkButton>
      </div>
      <PagedTable
        list={list} rows={products} label={t('nav.products')}
        head={<><th scope="col">{t('products.name')}</th><th scope="col">{t('products.state')}</th><th scope="col" className="right">{t('products.stock')}</th><th scope="col" className="right">{t('products.price')}</th><th scope="col">{t('products.opens')}</th></>}
        row={(product) => (
          <tr key={product.id}>
            <th scope="row"><span className="thumb"><Art product={product} sizes="3rem" /></span><Link to={`/admin/products/${product.id}`}>{product.name}</Link></th>
            <td><span className={`pill ${product.sale?.state ?? 'open'}`}>{product.sale ? t(`sale.${product.sale.state}`) : t('sale.regular')}</span>{hiddenUntil(product) && <small className="below">{t('products.hidden', { time: time(hiddenUntil(product)!) })}</small>}</td>
            <td className="right">{number(product.stock.remaining)} / {number(product.stock.capacity)}</td>
            <td className="right">{price(product.price)}</td>
            <td>{product.sale ? time(product.sale.opensAt) : '–'}</td>
          </tr>
        )}
      />
    </>
  );
}
