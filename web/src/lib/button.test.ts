import { describe, expect, it } from 'vitest';
import { en } from '../i18n/en';
import { ko } from '../i18n/ko';
import { buttonView } from './button';
import type { Purchase, Refusal } from './purchase';
import type { SaleView } from './sale';

const sales: SaleView[] = [
  { state: 'scheduled', opensAt: 1 }, { state: 'open' }, { state: 'sold_out' }, { state: 'closed', closedAt: 1 },
  { state: 'closed', closedAt: null }, { state: 'recovering' }, { state: 'paused' },
];
const refusals: Refusal[] = ['sold_out', 'insufficient_stock', 'sale_closed', 'limit_exceeded', 'email_unverified',
  'product_not_found', 'other', 'unknown'];
const asking = [null, 'slow', 'offline', 'unavailable', 'busy', 'early'] as const;
const purchases: Purchase[] = [
  { state: 'idle' }, { state: 'signed_out' },
  ...asking.map((trouble): Purchase => ({ state: 'asking', since: 0, trouble })),
  ...refusals.map((why): Purchase => ({ state: 'refused', why, detail: 'why', asked: 1 })),
  { state: 'refused', why: 'limit_exceeded', detail: '', asked: 3 },
];
const all = sales.flatMap((sale) => purchases.flatMap((purchase) => [true, false].map((signedIn) => ({ sale, purchase, signedIn }))));

describe('the button', () => {
  it.each(all)('has words in both languages: $sale.state $purchase.state $purchase.why', ({ sale, purchase, signedIn }) => {
    const view = buttonView(sale, purchase, signedIn);
    for (const word of [view.label, view.text, view.title])
      if (word) for (const language of [en, ko]) expect(language[word]).toBeTruthy();
  });

  it.each(all)('sells only what is on sale, to somebody signed in: $sale.state $purchase.state', ({ sale, purchase, signedIn }) => {
    if (buttonView(sale, purchase, signedIn).action !== 'buy') return;
    expect(sale.state).toBe('open');
    expect(signedIn).toBe(true);
    expect(purchase.state).not.toBe('asking');
  });

  it.each(all)('never hides that a request is under way: $sale.state $purchase.trouble', ({ sale, purchase, signedIn }) => {
    if (purchase.state === 'asking') expect(buttonView(sale, purchase, signedIn).action).toBe('wait');
  });

  it('says why somebody got none, and comes back with the units', () => {
    const late: Purchase = { state: 'refused', why: 'sold_out', detail: '', asked: 1 };
    expect(buttonView({ state: 'sold_out' }, late, true)).toMatchObject({ action: 'none', title: 'buy.soldOut.after' });
    expect(buttonView({ state: 'open' }, late, true)).toMatchObject({ action: 'buy', title: null });
  });

  it('does not claim that somebody has all when he asked for more than one', () => {
    const over = (asked: number): Purchase => ({ state: 'refused', why: 'limit_exceeded', detail: '', asked });
    expect(buttonView({ state: 'open' }, over(3), true)).toMatchObject({ action: 'buy', title: 'buy.overLimit' });
    expect(buttonView({ state: 'sold_out' }, over(3), true)).toMatchObject({ action: 'none', label: 'buy.soldOut' });
  });

  it('says that somebody has all, and is there for when one of them counts no more', () => {
    const over = (asked: number): Purchase => ({ state: 'refused', why: 'limit_exceeded', detail: '', asked });
    for (const asked of [0, 1]) {
      expect(buttonView({ state: 'open' }, over(asked), true)).toMatchObject({ action: 'buy', title: 'buy.limit', text: 'buy.limit.text' });
      expect(buttonView({ state: 'sold_out' }, over(asked), true)).toMatchObject({ action: 'none', label: 'buy.limit' });
    }
  });
});
