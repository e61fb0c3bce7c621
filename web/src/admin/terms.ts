/**
 * A product's terms as the form shows them, and what becomes of a change when somebody else was faster: what only one
 * of the two has changed is taken from him, what both have changed is a conflict that the reader decides.
 */
import type { NewProduct, Product } from '../api/types';

export const names = ['name', 'description', 'category', 'kind', 'amount', 'currency', 'opensAt', 'closesAt', 'perUserLimit', 'publishAt'] as const;
export type Name = (typeof names)[number];
export type Fields = Record<Name, string>;

/** What `<input type="datetime-local">` shows for an instant, in the reader's zone. */
export function localTime(iso: string | null | undefined): string {
  if (!iso) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
/** What is no time is sent as it was typed: the server says so at its field. */
export function instant(local: string): string | null {
  if (!local) return null;
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? local : at.toISOString();
}
/** The last one whose year has four digits, as the years of all times in requests have. */
export const lastTime = '9999-12-31T23:59:59';

export function fieldsOf(product: Product): Fields {
  return {
    name: product.name, description: product.description, category: product.category, kind: product.kind,
    amount: String(product.price.amount), currency: product.price.currency,
    opensAt: localTime(product.sale?.opensAt), closesAt: localTime(product.sale?.closesAt),
    perUserLimit: String(product.sale?.perUserLimit ?? ''), publishAt: localTime(product.publishAt),
  };
}
export const noFields: Fields = {
  name: '', description: '', category: '', kind: 'event', amount: '', currency: 'KRW', opensAt: '', closesAt: '', perUserLimit: '',
  publishAt: '',
};

function saleOf(fields: Fields): NewProduct['sale'] {
  if (fields.kind === 'regular') return null;
  return {
    opensAt: instant(fields.opensAt) ?? '', closesAt: instant(fields.closesAt),
    perUserLimit: fields.perUserLimit ? Number(fields.perUserLimit) : null,
  };
}
const priceOf = (fields: Fields): NewProduct['price'] =>
  ({ amount: fields.amount === '' ? -1 : Number(fields.amount), currency: fields.currency });

/** A stock that is not there is left out, so that the server asks for it; 0 units are something else. */
export function termsOf(fields: Fields, stock: string): Omit<NewProduct, 'stock'> & { stock?: number } {
  return {
    name: fields.name.trim(), description: fields.description.trim(), category: fields.category.trim(),
    kind: fields.kind === 'regular' ? 'regular' : 'event', price: priceOf(fields), sale: saleOf(fields),
    ...(stock !== '' && { stock: Number(stock) }),
    ...(fields.publishAt && { publishAt: instant(fields.publishAt) }),
  };
}

/** Only what was changed: a time that the form shows by the second stays as it is to the millisecond. */
export function patchOf(product: Product, fields: Fields): Partial<NewProduct> {
  const before = fieldsOf(product);
  const differs = (...which: Name[]): boolean => which.some((name) => before[name] !== fields[name]);
  const patch: Partial<NewProduct> = {};
  for (const name of ['name', 'description', 'category'] as const)
    if (differs(name)) patch[name] = fields[name].trim();
  if (differs('amount', 'currency')) patch.price = priceOf(fields);
  if (differs('kind')) patch.kind = fields.kind === 'regular' ? 'regular' : 'event';
  if (differs('kind', 'opensAt', 'closesAt', 'perUserLimit')) {
    const sale = saleOf(fields);
    if (sale && product.sale && !differs('opensAt')) sale.opensAt = product.sale.opensAt;
    if (sale && product.sale && !differs('closesAt')) sale.closesAt = product.sale.closesAt;
    patch.sale = sale;
  }
  if (differs('publishAt')) patch.publishAt = instant(fields.publishAt);
  return patch;
}

const saleMembers = { opensAt: ['sale.opensAt', 'sale'], closesAt: ['sale.closesAt'], perUserLimit: ['sale.perUserLimit'] };
/** The names that a request has for what each field of the form stands for: errors of these are said there. */
const members: Record<Name, string[]> = {
  name: ['name'], description: ['description'], category: ['category'], kind: [], amount: ['price.amount', 'price'],
  currency: ['price.currency'], publishAt: ['publishAt'], ...saleMembers,
};
export const membersOf = (name: Name): string[] => members[name];
/** Members whose errors the form says at a field; a product of every day has no fields of a sale. */
export const membersShown = (fields: Fields): string[] =>
  names.filter((name) => fields.kind === 'event' || !(name in saleMembers)).flatMap(membersOf);

export interface Difference {
  name: Name;
  mine: string;
  theirs: string;
}

/** `base`: what both have begun with. Conflicts stay as in `mine` until they are decided. */
export function merge(base: Fields, mine: Fields, theirs: Fields): { merged: Fields; conflicts: Difference[]; taken: Difference[] } {
  const merged = { ...mine };
  const conflicts: Difference[] = [];
  const taken: Difference[] = [];
  for (const name of names) {
    const difference = { name, mine: mine[name], theirs: theirs[name] };
    if (theirs[name] === base[name] || theirs[name] === mine[name]) continue;
    if (mine[name] === base[name]) {
      merged[name] = theirs[name];
      taken.push(difference);
    } else {
      conflicts.push(difference);
    }
  }
  return { merged, conflicts, taken };
}
