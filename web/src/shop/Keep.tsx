/** Beside the button: for later. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { all, ApiError, ask } from '../api/client';
import type { Product, User, Wish } from '../api/types';
import { useSpeech } from '../i18n/language';
import { addOne } from '../lib/cart';
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
  const [said, setSaid] = useState<'cart.added' | 'cart.full' | 'error.text' | null>(null);
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
  const [adding, setAdding] = useState(false);
  const collect = async (): Promise<void> => {
    if (adding) return; // It is sent until it is answered.
    setAdding(true);
    try {
      const cart = await addOne(product.id, () => setSaid('error.text'));
      if (cart) queries.setQueryData(['cart'], cart);
      setSaid('cart.added');
    } catch (error) {
      const isFull = error instanceof ApiError && error.status === 409;
      setSaid(isFull ? 'cart.full' : null);
      if (!isFull) throw error;
    } finally {
      setAdding(false);
    }
  };
  return (
    <p className="keep">
      <Button look="quiet" className="small" aria-pressed={wished} disabled={unknown} onClick={() => press(wish)}>
        <span aria-hidden="true">{wished ? '♥' : '♡'}</span>{t(wished ? 'wish.remove' : 'wish.add')}
      </Button>
      <Button look="quiet" className="small" aria-busy={adding || undefined} onClick={() => press(collect)}>{t('cart.add')}</Button>
      <span role="status">{said && t(said)}</span>
    </p>
  );
}
