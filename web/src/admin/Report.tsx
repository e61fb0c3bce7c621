/** What became of a sale. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { OrderState, Product, SaleReport } from '../api/types';
import { useConsoleSpeech } from './words';

export function Report({ product }: { product: Product }): ReactNode {
  const { t, number, price } = useConsoleSpeech();
  const report = useQuery({
    queryKey: ['report', product.id], refetchInterval: 5000,
    queryFn: ({ signal }) => ask<SaleReport>('/admin/orders/report', { query: { productId: product.id }, signal }),
  });
  const states = Object.entries(report.data?.states ?? {}) as [OrderState, { orders: number; units: number }][];
  const seen = states.filter(([, { orders }]) => orders > 0);
  const most = Math.max(1, ...states.map(([, { orders }]) => orders));
  return (
    <section className="panel" aria-labelledby="report">
      <h2 id="report">{t('nav.report')}</h2>
      {report.data && (
        <>
          <dl className="pairs">
            <dt>{t('report.revenue')}</dt><dd>{price(report.data.revenue)}</dd>
            <dt>{t('report.live')}</dt><dd>{number(report.data.liveOrders)} ({t('report.units', { count: number(report.data.liveUnits) })})</dd>
          </dl>
          <ul className="bars plain">
            {seen.map(([state, { orders, units }]) => (
              <li key={state}><span>{t(`state.${state}`)}</span><b>{number(orders)} ({t('report.units', { count: number(units) })})</b><meter aria-label={t(`state.${state}`)} min={0} max={most} value={orders} /></li>
            ))}
          </ul>
          <Link className="button plain small" to={`/admin/orders?productId=${product.id}`}>{t('nav.orders')}</Link>
        </>
      )}
    </section>
  );
}
