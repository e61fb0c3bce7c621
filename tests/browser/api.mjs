// The API as the tests need it: accounts and products, made without a browser.
import { adminAccount } from './platform.mjs';

export const password = 'a long passphrase of the tests';
let counter = 0;

export class Caller {
  constructor(url, account) {
    this.url = url;
    this.account = account;
  }

  async send(method, path, body, headers = {}) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...(this.token && { Authorization: `Bearer ${this.token}` }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  async signIn() {
    this.token = (await this.send('POST', '/sessions', { email: this.account.email, password: this.account.password })).accessToken;
    return this;
  }

  orders() {
    return this.send('GET', '/orders').then((list) => list.items);
  }

  buy(product, quantity = 1) {
    return this.send('POST', '/orders', { items: [{ productId: product.id, quantity }] }, { 'Idempotency-Key': `test-${counter += 1}-${Date.now()}` });
  }

  /** An event that is open, unless `sale` says otherwise. */
  product(more = {}) {
    return this.send('POST', '/products', {
      name: `Drop ${counter += 1}`, description: 'For the tests.', category: 'tests', price: { amount: 89_000, currency: 'KRW' },
      stock: 100, kind: 'event', sale: { opensAt: new Date(Date.now() - 1000).toISOString(), perUserLimit: 2 }, ...more,
    });
  }
}

export const admin = (url) => new Caller(url, adminAccount).signIn();

export async function buyer(url) {
  const account = { email: `buyer-${counter += 1}-${Date.now()}@example.com`, password, name: '김하나' };
  const caller = new Caller(url, account);
  caller.user = await caller.send('POST', '/users', account);
  return caller.signIn();
}
