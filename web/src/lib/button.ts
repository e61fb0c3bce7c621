/**
 * The one button of a product's page: what it says, whether it can be pressed, and what stands below it. A pure
 * function of what is known, so that every state has a test and none of them promises more than the shop knows.
 */
import type { Word } from '../i18n/en';
import type { Purchase } from './purchase';
import type { SaleView } from './sale';

export interface ButtonView {
  /** `buy` sends the order; `sign-in`, `verify` and `orders` lead there; `wait` is busy; `none` cannot be pressed. */
  action: 'buy' | 'sign-in' | 'verify' | 'wait' | 'none';
  label: Word;
  text: Word | null;
  tone: 'good' | 'bad' | 'info';
  /** A heading above the text when the label is only what can be done next. */
  title: Word | null;
  /** The sentence is the server's own. */
  useDetail: boolean;
}

const view = (action: ButtonView['action'], label: Word, text: Word | null = null,
  more: Partial<ButtonView> = {}): ButtonView =>
  ({ action, label, text, tone: 'info', title: null, useDetail: false, ...more });

function whileAsking(trouble: Extract<Purchase, { state: 'asking' }>['trouble']): ButtonView {
  return trouble === null ? view('wait', 'buy.asking', 'buy.asking.text') : view('wait', `buy.${trouble}`, `buy.${trouble}.text`);
}

function bySale(sale: SaleView, signedIn: boolean): ButtonView {
  switch (sale.state) {
    case 'scheduled':
      return signedIn ? view('none', 'buy.notOpen') : view('sign-in', 'buy.signInEarly', 'buy.signInEarly.text');
    case 'open':
      return signedIn ? view('buy', 'buy.openFor') : view('sign-in', 'buy.signIn');
    case 'sold_out':
      return view('none', 'buy.soldOut', 'buy.soldOut.text');
    case 'closed':
      return view('none', 'buy.closed', sale.closedAt === null ? null : 'buy.closed.text');
    case 'recovering':
      return view('none', 'buy.recovering', 'buy.recovering.text');
    case 'paused':
      return view('none', 'buy.paused', 'buy.paused.text');
  }
}

export function buttonView(sale: SaleView, purchase: Purchase, signedIn: boolean): ButtonView {
  if (purchase.state === 'asking') return whileAsking(purchase.trouble);
  if (purchase.state === 'signed_out')
    return view('sign-in', 'buy.signedOut', 'buy.signedOut.text', { tone: 'bad' });
  if (!signedIn || purchase.state !== 'refused') return bySale(sale, signedIn);
  switch (purchase.why) {
    case 'sold_out':
      // Units have come back since: the button is there again for whoever presses first.
      if (sale.state === 'open') return bySale(sale, true);
      return view('none', 'buy.soldOut', 'buy.soldOut.after.text', { title: 'buy.soldOut.after', tone: 'bad' });
    case 'insufficient_stock':
      if (sale.state !== 'open') return bySale(sale, true);
      return view('buy', 'buy.openFor', 'buy.insufficient.text', { title: 'buy.insufficient', tone: 'bad' });
    case 'limit_exceeded':
      // Fewer may still be allowed: nobody knows here how many the buyer has.
      if (purchase.asked > 1 && sale.state !== 'open') return bySale(sale, true);
      if (purchase.asked > 1) return view('buy', 'buy.openFor', 'buy.overLimit.text', { title: 'buy.overLimit', tone: 'bad' });
      // An order that was cancelled or not paid counts no more, and nobody tells this page: the server decides at each press.
      if (sale.state === 'open') return view('buy', 'buy.openFor', 'buy.limit.text', { title: 'buy.limit' });
      return view('none', 'buy.limit', 'buy.limit.text');
    case 'email_unverified':
      return view('verify', 'buy.verify', 'buy.unverified.text', { title: 'buy.unverified' });
    case 'sale_closed':
      // Also of a paused sale, which says so itself; and what goes on can be bought again.
      return sale.state === 'open' || sale.state === 'paused' ? bySale(sale, true) : view('none', 'buy.closed');
    case 'unknown':
      return { ...bySale(sale, true), text: 'buy.pastUnknown.text', title: 'buy.pastUnknown', tone: 'bad' };
    case 'product_not_found':
      return view('none', 'buy.gone');
    case 'other':
      return view(sale.state === 'open' ? 'buy' : 'none', 'buy.again', null,
        { title: 'buy.failed', tone: 'bad', useDetail: true });
  }
}
