#!/usr/bin/env node
// A crowd of simulated buyers, to see a sale happen: tools/crowd.mjs URL [buyers] [units] [opens in seconds]
//
// Announces a drop as the demo's administrator, signs up some accounts, and lets every simulated buyer come at a moment
// of their own after the opening: most at once, the rest over half a minute. Some pay, some forget to, a few cancel.
// It is no load test (that is `market bench`) and ends by itself.
const [url = 'http://127.0.0.1:8080', buyers = '400', units = '150', opensIn = '20'] = process.argv.slice(2);
const accountsMax = 24;

async function call(method, path, { token, body, key } = {}) {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method, body: body && JSON.stringify(body),
    headers: {
      ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: `Bearer ${token}` }),
      ...(key && { 'Idempotency-Key': key }),
    },
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}

const pause = (ms) => new Promise((wake) => { setTimeout(wake, ms); });
const run = Date.now().toString(36);

async function signIn(email, password) {
  const { status, body } = await call('POST', '/sessions', { body: { email, password } });
  if (status !== 201) throw new Error(`${email} cannot sign in: ${body.detail} (is this \`market serve --demo\`?)`);
  return body.accessToken;
}

async function account(number) {
  const body = { email: `crowd-${run}-${number}@demo.example`, password: `crowd of ${run} at the door`, name: `Crowd ${number}` };
  for (;;) {
    const made = await call('POST', '/users', { body });
    if (made.status === 201) return signIn(body.email, body.password);
    if (made.status !== 429 && made.status !== 503) throw new Error(made.body.detail);
    await pause(500);
  }
}

const operator = await signIn(process.env.MARKET_ADMIN_EMAIL ?? 'admin@demo.example',
  process.env.MARKET_ADMIN_PASSWORD ?? 'granite-keystone-42');
const opensAt = new Date(Date.now() + Number(opensIn) * 1000);
const { body: product } = await call('POST', '/products', {
  token: operator,
  body: {
    name: 'Midnight Runner', description: 'A drop for a crowd of simulated buyers.', category: 'sneakers', kind: 'event',
    price: { amount: 129_000, currency: 'KRW' }, stock: Number(units),
    sale: { opensAt: opensAt.toISOString(), perUserLimit: null },
  },
});
console.log(`opens at ${opensAt.toISOString()}: ${url}/shop/products/${product.id}`);
console.log(`the board: ${url}/admin?sale=${product.id}`);

const tokens = [];
for (let i = 0; i < Math.min(accountsMax, Number(buyers)); i += 1) tokens.push(await account(i));
const counts = {};
const count = (word) => { counts[word] = (counts[word] ?? 0) + 1; };

async function buyer(number) {
  const hurry = Math.random();
  const arrival = hurry < 0.6 ? Math.random() ** 2 * 2000 : Math.random() * 30_000;
  await pause(Math.max(0, opensAt - Date.now() + arrival));
  const token = tokens[number % tokens.length];
  const { status, body } = await call('POST', '/orders', {
    token, key: `${run}-${number}`, body: { items: [{ productId: product.id, quantity: 1 }] },
  });
  if (status !== 201) return count(body.code);
  count('got one');
  await pause(500 + Math.random() * 6000);
  const wish = Math.random();
  if (wish < 0.8) {
    const paid = await call('POST', `/orders/${body.id}/payment`, { token, key: `pay-${run}-${number}`, body: { method: 'card', token: 'ok' } });
    return count(paid.status === 200 ? 'paid' : paid.body.code);
  }
  if (wish > 0.92) {
    await call('POST', `/orders/${body.id}/cancel`, { token, key: `no-${run}-${number}` });
    return count('cancelled');
  }
  return count('forgot to pay');
}

const report = setInterval(() => console.log(JSON.stringify(counts)), 2000);
await Promise.all(Array.from({ length: Number(buyers) }, (_, number) => buyer(number).catch(() => count('no answer'))));
clearInterval(report);
console.log(`the end: ${JSON.stringify(counts)}`);
