/** Beside the button: for later. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { all, ApiError, ask } from '../api/client';
import type { Cart, Product, User, Wish } from '../api/types';
import { useSpeech } from '../i18n/language';
import { browserCart, setQuantity } from '../lib/cart';
import { press } from '../lib/press';
import { session } from '../lib/session';
import { useValue } from '../lib/store';
import { Button } from '../ui/parts';

export function Keep({ product, user }: { product: Product; user: User | null }): ReactNode {
  const { t } = useSpeech();
  const queries = useQueryClient();
  const go = useNavigate();
  const here = useLocation().pathname;
  const unknown = useValue(session).state === 'unknown'; // Who is signed in needs no form.
  const [said, setSaid] = useState<'cart.added' | 'cart.full' | null>(null);
  const wishes = useQuery({
    queryKey: ['wishes', 'all', user?.id], enabled: user !== null,
    queryFn: ({ signal }) => all<Wish>('/wishlist', signal),
  });
  const wished = wishes.data?.some((each) => each.productId === product.id) ?? false;
  const wish = async (): Promise<void> => {
    if (!user) return void (await go(`/store/sign-in?to=${encodeURIComponent(here)}`));
    await ask(`/wishlist/${product.id}`, { method: wished ? 'DELETE' : 'PUT' });
    await queries.invalidateQueries({ queryKey: ['wishes'] });
  };
  const collect = async (): Promise<void> => {
    try {
      const before = user ? (await ask<Cart>('/cart')).items : browserCart.get();
      const had = before.find((each) => each.productId === product.id)?.quantity ?? 0;
      const cart = await setQuantity(product.id, had + 1);
      if (cart) queries.setQueryData(['cart'], cart);
      setSaid('cart.added');
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) setSaid('cart.full');
      else throw error;
    }
  };
  return (
    <p className="keep">
      <Button look="quiet" className="small" aria-pressed={wished} disabled={unknown} onClick={() => press(wish)}>
        <span aria-hidden="true">{wished ? '♥' : '♡'}</span>{t(wished ? 'wish.remove' : 'wish.add')}
      </Button>
      <Button look="quiet" className="small" onClick={() => press(collect)}>{t('cart.add')}</Button>
      <span role="status">{said && t(said)}</span>
    </p>
  );
}
