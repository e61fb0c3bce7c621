/** A product's terms. A change is based on the version that was read; if somebody was faster, that is said. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError, ask } from '../api/client';
import type { NewProduct, Product } from '../api/types';
import { newKey } from '../lib/key';
import { fieldError, FormError, useForm } from '../shop/account';
import { Art } from '../ui/Art';
import { Confirm } from '../ui/Confirm';
import { Button, Field, LoadError, Loading, Notice, Skeleton, Spinner } from '../ui/parts';
import { useConsoleSpeech } from './words';

/** What `<input type="datetime-local">` shows for an instant, in the reader's zone. */
export function localTime(iso: string | null | undefined): string {
  if (!iso) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
export function instant(local: string): string | null {
  return local ? new Date(local).toISOString() : null;
}

function termsOf(form: FormData): NewProduct {
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  const kind = text('kind') === 'regular' ? 'regular' : 'event';
  const limit = text('perUserLimit');
  return {
    name: text('name'), description: text('description'), category: text('category'), kind,
    price: { amount: Number(text('amount')), currency: text('currency') }, stock: Number(text('stock') || 0),
    sale: kind === 'regular' ? null : {
      opensAt: instant(text('opensAt')) ?? '', closesAt: instant(text('closesAt')), perUserLimit: limit ? Number(limit) : null,
    },
  };
}

function Picture({ product }: { product: Product }): ReactNode {
  const { t } = useConsoleSpeech();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const send = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setError(null);
    try {
      await ask(`/products/${product.id}/image`, { method: 'PUT', bytes: { type: file.type || 'application/octet-stream', content: file }, timeoutMs: 60_000 });
      await queries.invalidateQueries();
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <section className="panel picture" aria-label={t('products.picture')}>
      <div className="picture-now"><Art product={product} /></div>
      <label className="field"><span>{t('products.picture')}</span>
        <input type="file" accept="image/png,image/jpeg,image/webp" onChange={(event) => void send(event.target.files?.[0])} /></label>
      <FormError error={error} />
    </section>
  );
}

function Terms({ product }: { product: Product | null }): ReactNode {
  const { t } = useConsoleSpeech();
  const queries = useQueryClient();
  const go = useNavigate();
  const [kind, setKind] = useState(product?.kind ?? 'event');
  const [saved, setSaved] = useState(false);
  const [key] = useState(newKey);
  const form = useForm(async (data) => {
    setSaved(false);
    const terms = termsOf(data);
    if (product) {
      const { stock: _, ...patch } = terms;
      await ask<Product>(`/products/${product.id}`, { method: 'PATCH', body: patch });
      setSaved(true);
      await queries.invalidateQueries();
    } else {
      const made = await ask<Product>('/products', { method: 'POST', body: terms, key });
      await go(`/admin/products/${made.id}`, { replace: true });
    }
  });
  const wrong = (name: string): string | null => fieldError(form.error, name);
  return (
    <form className="panel terms" onSubmit={form.submit} noValidate>
      {form.error instanceof ApiError && form.error.code === 'precondition_failed' ? <Notice kind="bad">{t('products.stale')}</Notice> : <FormError error={form.error} />}
      {saved && <Notice kind="good">{t('products.saved')}</Notice>}
      <Field name="name" label={t('products.name')} defaultValue={product?.name} error={wrong('name')} required />
      <label className="field"><span>{t('products.description')}</span><textarea name="description" defaultValue={product?.description} maxLength={10_000} /></label>
      <div className="two">
        <Field name="category" label={t('products.category')} defaultValue={product?.category} error={wrong('category')} />
        <label className="field"><span>{t('products.kind')}</span>
          <select name="kind" value={kind} onChange={(event) => setKind(event.target.value as 'event' | 'regular')}>
            <option value="event">{t('home.kind.event')}</option><option value="regular">{t('home.kind.regular')}</option>
          </select></label>
        <Field name="amount" type="number" min={0} label={t('products.amount')} defaultValue={product?.price.amount} error={wrong('price.amount') ?? wrong('price')} required />
        <Field name="currency" label={t('products.currency')} defaultValue={product?.price.currency ?? 'KRW'} maxLength={3} error={wrong('price.currency')} required />
        {!product && <Field name="stock" type="number" min={0} label={t('products.stock')} defaultValue={100} error={wrong('stock')} required />}
        {kind === 'event' && (
          <>
            <Field name="perUserLimit" type="number" min={1} label={t('products.limit')} defaultValue={product?.sale?.perUserLimit ?? ''} error={wrong('sale.perUserLimit')} />
            <Field name="opensAt" type="datetime-local" step={1} label={t('products.opensAt')} defaultValue={localTime(product?.sale?.opensAt)} error={wrong('sale.opensAt') ?? wrong('sale')} required />
            <Field name="closesAt" type="datetime-local" step={1} label={t('products.closesAt')} defaultValue={localTime(product?.sale?.closesAt)} error={wrong('sale.closesAt')} />
          </>
        )}
      </div>
      <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t(product ? 'products.save' : 'products.create')}</Button>
    </form>
  );
}

function Withdraw({ product }: { product: Product }): ReactNode {
  const { t } = useConsoleSpeech();
  const go = useNavigate();
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async (): Promise<void> => {
    try {
      await ask(`/products/${product.id}`, { method: 'DELETE' });
      await go('/admin/products');
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>{t('products.withdraw')}</Button>
      <Confirm open={asking} onClose={() => setAsking(false)} title={t('products.withdraw.ask')} text={t('products.withdraw.text')}>
        <FormError error={error} />
        <div className="dialog-row"><Button onClick={() => setAsking(false)}>{t('cancel')}</Button><Button look="danger" onClick={() => void run()}>{t('products.withdraw')}</Button></div>
      </Confirm>
    </>
  );
}

export function ProductForm(): ReactNode {
  const { id = 'new' } = useParams();
  const { t } = useConsoleSpeech();
  const found = useQuery({ queryKey: ['product', id], enabled: id !== 'new', queryFn: ({ signal }) => ask<Product>(`/products/${id}`, { signal }) });
  const product = id === 'new' ? null : found.data ?? null;
  return (
    <>
      <p className="back"><Link to="/admin/products">← {t('nav.products')}</Link></p>
      <div className="bar">
        <h1>{product?.name ?? t('products.new')}</h1>
        {product?.sale && <Link className="button plain" to={`/admin?sale=${product.id}`}>{t('nav.board')}</Link>}
        {product && <a className="button plain" href={`/store/products/${product.id}`}>{t('toShop')}</a>}
      </div>
      {id !== 'new' && found.isPending && <Loading><Skeleton className="block" /></Loading>}
      {found.isError && <LoadError retry={() => void found.refetch()} />}
      {(id === 'new' || product) && (
        <div className="editor">
          <Terms key={id} product={product} />
          {product && <div className="stack"><Picture product={product} /><Withdraw product={product} /></div>}
        </div>
      )}
    </>
  );
}
