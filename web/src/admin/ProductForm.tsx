/** A product's terms. A change is based on the version that was read; if somebody was faster, both values are shown. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Fragment, useState, type ChangeEvent, type MouseEvent, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError, ask, askVersioned, type Versioned } from '../api/client';
import type { Product } from '../api/types';
import { useIsHere } from '../lib/here';
import { KeptKey } from '../lib/key';
import { fieldError, FormError, useForm } from '../shop/account';
import { Art } from '../ui/Art';
import { Confirm } from '../ui/Confirm';
import { Button, Field, LoadError, Loading, Notice, Skeleton, Spinner } from '../ui/parts';
import { Conflicts } from './Conflicts';
import { fieldsOf, lastTime, membersOf, membersShown, merge, noFields, patchOf, termsOf, type Difference, type Fields, type Name } from './terms';
import { WorkButton } from './WorkButton';
import { useConsoleSpeech } from './words';

function Picture({ product }: { product: Product }): ReactNode {
  const { t } = useConsoleSpeech();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const send = async ({ target }: ChangeEvent<HTMLInputElement>): Promise<void> => {
    const file = target.files?.[0];
    target.value = ''; // The same file can be chosen again, after a failure say.
    if (!file || busy) return; // One that is dropped comes without a click.
    setBusy(true);
    setError(null);
    try {
      await ask(`/products/${product.id}/image`, { method: 'PUT', bytes: { type: file.type || 'application/octet-stream', content: file }, timeoutMs: 60_000 });
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
    await queries.invalidateQueries();
  };
  const once = (event: MouseEvent): void => {
    if (busy) event.preventDefault();
  };
  return (
    <section className="panel picture" aria-label={t('products.picture')}>
      <div className="picture-now"><Art product={product} /></div>
      <label className="field"><span>{t('products.picture')}</span>
        <input type="file" accept="image/png,image/jpeg,image/webp" aria-disabled={busy || undefined} onClick={once} onChange={(event) => void send(event)} /></label>
      {busy && <p className="muted" role="status"><Spinner /> {t('products.picture.busy')}</p>}
      <FormError error={error} />
    </section>
  );
}

/** The fields that a product has before and after it is announced. */
function TermFields({ fields, set, error }: { fields: Fields; set: (name: Name, value: string) => void; error: unknown }): ReactNode {
  const { t, price } = useConsoleSpeech();
  const wrong = (name: Name): string | null => membersOf(name).map((each) => fieldError(error, each)).find(Boolean) ?? null;
  const bound = (name: Name) => ({
    name, value: fields[name], onChange: (event: { target: { value: string } }) => set(name, event.target.value), error: wrong(name),
  });
  const shownPrice = /^\d+$/.test(fields.amount) && /^[A-Z]{3}$/.test(fields.currency)
    ? price({ amount: Number(fields.amount), currency: fields.currency }) : undefined;
  return (
    <>
      <Field label={t('products.name')} required {...bound('name')} />
      <div className="field"><label htmlFor="description">{t('products.description')}</label>
        <textarea id="description" maxLength={10_000} name="description" value={fields.description} onChange={(event) => set('description', event.target.value)}
          aria-invalid={wrong('description') ? true : undefined} aria-describedby={wrong('description') ? 'description-error' : undefined} />
        {wrong('description') && <p className="wrong" id="description-error">{wrong('description')}</p>}
      </div>
      <div className="two">
        <Field label={t('products.category')} {...bound('category')} />
        <label className="field"><span>{t('products.kind')}</span>
          <select name="kind" value={fields.kind} onChange={(event) => set('kind', event.target.value)}>
            <option value="event">{t('home.kind.event')}</option><option value="regular">{t('home.kind.regular')}</option>
          </select></label>
        <Field type="number" min={0} label={t('products.amount')} hint={shownPrice} required {...bound('amount')} />
        <Field label={t('products.currency')} maxLength={3} required {...bound('currency')} />
        {fields.kind === 'event' && (
          <>
            <Field type="datetime-local" step={1} max={lastTime} label={t('products.opensAt')} required {...bound('opensAt')} />
            <Field type="datetime-local" step={1} max={lastTime} label={t('products.closesAt')} {...bound('closesAt')} />
            <Field type="number" min={1} label={t('products.limit')} {...bound('perUserLimit')} />
          </>
        )}
        <Field type="datetime-local" step={1} max={lastTime} label={t('products.publishAt')} {...bound('publishAt')} />
      </div>
    </>
  );
}

function NewTerms(): ReactNode {
  const { t } = useConsoleSpeech();
  const go = useNavigate();
  const [fields, setFields] = useState(noFields);
  const [kept] = useState(() => new KeptKey());
  const isHere = useIsHere();
  const form = useForm(async (data) => {
    const terms = termsOf(fields, String(data.get('stock') ?? ''));
    const made = await kept.send((key) => ask<Product>('/products', { method: 'POST', body: terms, key }), JSON.stringify(terms));
    if (isHere()) await go(`/admin/products/${made.id}`, { replace: true });
  });
  return (
    <form className="panel terms" onSubmit={form.submit} noValidate>
      <FormError error={form.error} fields={[...membersShown(fields), 'stock']} />
      <TermFields fields={fields} error={form.error} set={(name, value) => setFields((before) => ({ ...before, [name]: value }))} />
      <Field name="stock" type="number" min={0} label={t('products.stock')} defaultValue={100} error={fieldError(form.error, 'stock')} required />
      <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t('products.create')}</Button>
    </form>
  );
}

function Terms({ read }: { read: Versioned<Product> }): ReactNode {
  const { t } = useConsoleSpeech();
  const queries = useQueryClient();
  const [base, setBase] = useState(read);
  const [fields, setFields] = useState(() => fieldsOf(read.value));
  const [saved, setSaved] = useState(false);
  const [meanwhile, setMeanwhile] = useState<{ conflicts: Difference[]; taken: Difference[] } | null>(null);
  const address = `/products/${base.value.id}`;

  /** What was typed since `sent` was sent stays, and is a change of what there is now. */
  const begin = (from: Versioned<Product>, sent: Fields, now: Fields): void => {
    setBase(from);
    setFields((typed) => merge(sent, typed, now).merged);
  };
  /** What was changed since `from` was read; true when it was saved. */
  const save = async (from: Versioned<Product>, mine: Fields): Promise<boolean> => {
    const body = patchOf(from.value, mine);
    try {
      const done = Object.keys(body).length === 0 ? from
        : await askVersioned<Product>(address, { method: 'PATCH', body, headers: { 'If-Match': from.etag } });
      begin(done, mine, fieldsOf(done.value));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'precondition_failed')) throw error;
      const theirs = await askVersioned<Product>(address);
      const { merged, conflicts, taken } = merge(fieldsOf(from.value), mine, fieldsOf(theirs.value));
      if (conflicts.length + taken.length === 0) return save(theirs, mine); // A new picture, say: nothing of this form.
      begin(theirs, mine, merged);
      setMeanwhile({ conflicts, taken });
      return false;
    }
  };
  const form = useForm(async () => {
    setSaved(false);
    setMeanwhile(null);
    if (!(await save(base, fields))) return;
    setSaved(true);
    await queries.invalidateQueries();
  });
  const set = (name: Name, value: string): void => {
    setSaved(false);
    setFields((before) => ({ ...before, [name]: value }));
  };
  const isSaved = saved && Object.keys(patchOf(base.value, fields)).length === 0;
  return (
    <form className="panel terms" onSubmit={form.submit} noValidate>
      <FormError error={form.error} fields={membersShown(fields)} />
      {isSaved && <Notice kind="good">{t('products.saved')}</Notice>}
      {meanwhile && <Conflicts {...meanwhile} fields={fields} onChoose={set} />}
      <TermFields fields={fields} error={form.error} set={set} />
      <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t('products.save')}</Button>
    </form>
  );
}

function Withdraw({ product }: { product: Product }): ReactNode {
  const { t } = useConsoleSpeech();
  const go = useNavigate();
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isHere = useIsHere();
  const run = async (): Promise<void> => {
    setError(null);
    try {
      await ask(`/products/${product.id}`, { method: 'DELETE' });
    } catch (failure) {
      // Missing: withdrawn before, without an answer, or by somebody else.
      if (!(failure instanceof ApiError && failure.missing)) return setError(failure);
    }
    if (isHere()) await go('/admin/products');
  };
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>{t('products.withdraw')}</Button>
      <Confirm open={asking} onClose={() => setAsking(false)} title={t('products.withdraw.ask')} text={t('products.withdraw.text')}>
        <FormError error={error} />
        <div className="dialog-row"><Button onClick={() => setAsking(false)}>{t('cancel')}</Button><WorkButton look="danger" work={run}>{t('products.withdraw')}</WorkButton></div>
      </Confirm>
    </>
  );
}

export function ProductForm(): ReactNode {
  const { id = 'new' } = useParams();
  const { t } = useConsoleSpeech();
  const found = useQuery({ queryKey: ['product', id], enabled: id !== 'new', queryFn: ({ signal }) => askVersioned<Product>(`/products/${id}`, { signal }) });
  const product = id === 'new' ? null : found.data?.value ?? null;
  return (
    <>
      <p className="back"><Link to="/admin/products">← {t('nav.products')}</Link></p>
      <div className="bar">
        <h1>{product?.name ?? t('products.new')}</h1>
        {product?.sale && <Link className="button plain" to={`/admin?sale=${product.id}`}>{t('nav.board')}</Link>}
        {product && <a className="button plain" href={`/store/products/${product.id}`}>{t('toShop')}</a>}
      </div>
      {id !== 'new' && found.isPending && <Loading of={found}><Skeleton className="block" /></Loading>}
      {found.isError && <LoadError of={found} />}
      <div className="editor">
        {id === 'new' && <NewTerms />}
        {found.data && product && (
          <Fragment key={id}>
            <Terms read={found.data} />
            <div className="stack"><Picture product={product} /><Withdraw product={product} /></div>
          </Fragment>
        )}
      </div>
    </>
  );
}
