/** How many are left, and how fresh that is. */
import type { ReactNode } from 'react';
import type { Product, Stock } from '../api/types';
import { useSpeech } from '../i18n/language';
import type { Freshness } from '../lib/live';
import type { SaleView } from '../lib/sale';

export function StatePill({ state, regular }: { state: SaleView['state']; regular: boolean }): ReactNode {
  const { t } = useSpeech();
  return <span className={`pill ${state}`}>{t(regular && state === 'open' ? 'sale.regular' : `sale.${state}`)}</span>;
}

export function StockBar({ product, stock, freshness }: {
  product: Product; stock: Stock | null; freshness: Freshness | null;
}): ReactNode {
  const { t, number } = useSpeech();
  const remaining = stock?.remaining ?? product.stock.remaining;
  const capacity = stock?.capacity ?? product.stock.capacity;
  const part = capacity === 0 ? 0 : remaining / capacity;
  return (
    <div className="stock">
      <div className="stock-line">
        <span className="stock-text">
          <b>{number(remaining)}</b> {t('sale.leftOf', { capacity: number(capacity) })}
        </span>
        {freshness && <span className={`fresh ${freshness}`}>{t(`fresh.${freshness}`)}</span>}
      </div>
      <progress className={part <= 0.1 ? 'few' : ''} max={1} value={part}
        aria-label={t('sale.left', { remaining: number(remaining), capacity: number(capacity) })} />
    </div>
  );
}
