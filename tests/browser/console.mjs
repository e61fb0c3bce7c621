// The operators' console in a real browser against the real server.
//
//   MARKET_BINARY=build/release/market node tests/browser/console.mjs [name…]
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

import { admin, buyer } from './api.mjs';
import { fitsTheWidth, isQuiet, narrow, phone, picture, run, tabTo, wide } from './browser.mjs';
import { adminAccount, FakeInstance, Server, until } from './platform.mjs';
import { png } from './png.mjs';
import { isAccessible, makeContext, seconds, signIn, visitor } from './visit.mjs';

async function operator(context, more) {
  const who = await visitor(context, more);
  const page = await who.tab();
  await signIn(page, context.market.url, adminAccount, who.language, '/admin');
  await page.locator('.console').waitFor();
  return page;
}

async function isForOperatorsAlone(context) {
  const { market } = context;
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/admin`);
  await page.getByRole('link', { name: 'Sign in' }).waitFor();
  await isAccessible(page);
  const one = await buyer(market.url);
  await signIn(page, market.url, one.account, 'en', '/admin');
  await page.getByRole('heading', { name: 'This account may not open the console' }).waitFor();
  isQuiet(page);
  assert.equal(await page.evaluate(async () => (await fetch('/api/v1/admin/metrics')).status), 403);
  await who.context.close();
}

async function announcesWatchesAndClosesASale(context) {
  const { market } = context;
  await context.seller.product(); // The board has another one to choose.
  const page = await operator(context, {});
  const name = `Console drop <b>${Date.now()}</b>`;
  await page.getByRole('link', { name: 'Products' }).click();
  await page.getByRole('link', { name: 'New product' }).click();
  await isAccessible(page);
  page.expected.push(/^422 /);
  await page.getByRole('button', { name: 'Announce it' }).click();
  await page.locator('.wrong').first().waitFor();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Price in minor units').fill('59000');
  await page.getByLabel('Units', { exact: true }).fill('20');
  await page.getByLabel(/^Limit/).fill('2');
  await page.getByLabel(/^Opens at/).fill('2031-01-01T10:00');
  await page.getByRole('button', { name: 'Announce it' }).click();
  await page.getByRole('heading', { name }).waitFor();
  await page.locator('input[type=file]').setInputFiles({ name: 'picture.png', mimeType: 'image/png', buffer: png() });
  await page.locator('.picture-now img').waitFor();
  await isAccessible(page);
  await picture(page, 'console-product');
  await page.getByRole('link', { name: 'Sale board' }).first().click();
  await page.locator('.board-state .pill.scheduled, .board-state .pill').first().waitFor();
  await page.getByLabel('Sale', { exact: true }).selectOption({ label: name });
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await page.getByText('The sale is not over').waitFor();
  await page.getByText(/^All is ready|^It can open/).waitFor();
  await isAccessible(page);

  // It opens now, by another operator's hand; the board follows.
  const seller = await admin(market.url);
  const { items } = await seller.send('GET', '/products?kind=event&limit=100');
  const product = items.find((each) => each.name === name);
  assert.ok(product.imageUrl, 'the picture is not there');
  await seller.send('PATCH', `/products/${product.id}`, {
    sale: { opensAt: new Date(Date.now() - 500).toISOString(), closesAt: null, perUserLimit: 2 },
  });
  await page.locator('.board-state .pill.open').waitFor();
  const buyers = await Promise.all([buyer(market.url), buyer(market.url), buyer(market.url)]);
  for (const one of buyers) await one.buy(product, 2);
  await assert.rejects(buyers[0].buy(product, 2), /409/);
  await page.locator('.figure', { hasText: 'Sold' }).getByText('6', { exact: true }).waitFor();
  await page.locator('.bars').getByText('Over the limit per person').waitFor();
  await page.locator('.figure', { hasText: 'p99' }).getByText(/ms/).waitFor();
  await page.getByLabel('How many').fill('5');
  await page.getByLabel('Why').fill('second delivery');
  await page.getByRole('button', { name: 'Add units' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Add units' }).click();
  await page.locator('.figure', { hasText: 'Remaining' }).getByText('19').waitFor();
  const closesAt = async () => (await seller.send('GET', `/products/${product.id}`)).sale.closesAt;
  await page.getByRole('button', { name: 'End in 10 minutes' }).click();
  await page.getByRole('button', { name: '10 minutes longer' }).click(seconds(15));
  await until(async () => Date.parse(await closesAt()) - Date.now() > 15 * 60_000, 15);
  const planned = await closesAt();
  await page.locator('.board-state', { hasText: 'Until' }).waitFor(seconds(15));
  await page.getByRole('button', { name: 'Pause now' }).click();
  await page.locator('.board-state .pill.paused').waitFor(seconds(15));
  await assert.rejects(buyers[1].buy(product), /409.*sale_closed|409.*limit/);
  await isAccessible(page);
  await page.getByRole('button', { name: /^Go on until/ }).click();
  await page.locator('.board-state .pill.open').waitFor(seconds(15));
  assert.equal(await closesAt(), planned, 'it goes on as it was planned');
  await page.getByRole('button', { name: 'End the sale' }).click();
  await isAccessible(page);
  await page.getByRole('alertdialog').getByRole('button', { name: 'End the sale' }).click();
  await page.locator('.board-state .pill.closed').waitFor(seconds(15));
  await page.getByRole('button', { name: 'Go on without an end' }).click();
  await page.locator('.board-state .pill.open').waitFor(seconds(15));
  assert.equal(await closesAt(), null);
  isQuiet(page);
  await page.context().close();
}

/** Half a date is no date, and an emptied number is not 0: nothing is announced with them. */
async function announcesNothingHalfFilled(context) {
  const { market, seller } = context;
  const page = await operator(context);
  const sent = [];
  page.on('request', (request) => { if (request.method() !== 'GET') sent.push(request.url()); });
  page.expected.push(/^422 /);
  const announce = () => page.getByRole('button', { name: 'Announce it' }).click();
  await page.goto(`${market.url}/admin/products/new`);
  await page.getByLabel('Name', { exact: true }).fill('Half filled');
  await page.getByLabel('Price in minor units').fill('59000');
  await page.getByLabel(/^Opens at/).fill('2031-01-01T10:00');
  await page.getByLabel('Units', { exact: true }).fill('');
  for (const label of [/^Public from/, /^Closes at/]) {
    await page.getByLabel(label).focus();
    await page.keyboard.type('12');
    await announce();
    await page.waitForTimeout(300);
    assert.deepEqual(sent, [], String(label));
    assert.ok(await page.getByLabel(label).evaluate((element) => element === document.activeElement), 'it is shown which');
    await page.getByLabel(label).fill('2032-01-01T10:00');
  }
  await announce();
  await page.locator('.wrong').waitFor();
  assert.equal(sent.length, 1);
  await page.getByLabel('Units', { exact: true }).fill('0');
  await announce();
  await page.getByRole('heading', { name: 'Half filled' }).waitFor();
  // The same of a change: what was public on a day does not become public at once.
  await page.getByLabel(/^Public from/).focus();
  await page.keyboard.press('Backspace');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForTimeout(300);
  assert.equal(sent.length, 2);
  const { items } = await seller.send('GET', '/admin/products?search=Half');
  assert.equal(Date.parse(items[0].publishAt), Date.parse('2032-01-01T10:00+09:00'));
  isQuiet(page);
  await page.context().close();
}

/** A refusal is said: at its field, and above the form where the form has no such field. */
async function saysWhatNoFieldSays(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Refused' });
  const page = await operator(context);
  page.expected.push(/^422 /);
  const errors = ['description', 'sale.state'].map((field) => ({ field, code: 'unknown', detail: `is wrong <b>: ${field}` }));
  await page.route(`**/products/${product.id}`, (route) => (route.request().method() !== 'PATCH' ? route.fallback() : route.fulfill({
    status: 422, contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title: 'validation', status: 422, detail: 'd', message: 'Please check it.', code: 'validation', traceId: '0', errors }),
  })));
  await page.goto(`${market.url}/admin/products/${product.id}`);
  await page.getByLabel('Category').fill('other');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('alert').getByText('sale.state: is wrong <b>: sale.state').waitFor();
  assert.equal(await page.getByRole('alert').getByText('description').count(), 0);
  assert.equal(await page.locator('.wrong').innerText(), 'is wrong <b>: description');
  await isAccessible(page);
  isQuiet(page);
  await page.context().close();
}

/** A sale whose opening is nearer does not push the one that is looked at off the board; one that is not there is no other. */
async function staysAtItsSale(context) {
  const { market, seller } = context;
  await seller.product({ name: 'Looked at' });
  const page = await operator(context);
  await page.locator('.board-state .pill').waitFor();
  const heading = page.getByRole('heading', { level: 1 });
  const name = await heading.innerText();
  await seller.product({ name: 'Nearer', sale: { opensAt: new Date(Date.now() + 8000).toISOString() } });
  await page.locator('.pick option', { hasText: /^Nearer$/ }).waitFor({ state: 'attached', ...seconds(20) });
  await page.waitForTimeout(6000); // The clock that measured the distances ticked each five seconds.
  assert.equal(await heading.innerText(), name);
  await page.getByRole('button', { name: 'End the sale' }).click();
  await page.getByRole('alertdialog').getByRole('heading', { name: `End “${name}” now?` }).waitFor();
  page.expected.push(/^404 /);
  await page.goto(`${market.url}/admin?sale=0C3KQ2V8M0G00`);
  await page.locator('main .notice.bad').waitFor();
  assert.equal(await page.locator('.control').count(), 0);
  await isAccessible(page);
  await page.getByLabel('Sale', { exact: true }).selectOption({ label: 'Nearer' });
  await page.getByRole('heading', { level: 1, name: 'Nearer' }).waitFor();
  isQuiet(page);
  await page.context().close();
}

/** The answer to "Add units" is lost: it is asked for again, and the next units are others, be they as many. */
async function addsUnitsOnce(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Delivered once', stock: 10 });
  const page = await operator(context);
  page.expected.push(/ERR_/);
  await page.goto(`${market.url}/admin?sale=${product.id}`);
  let asked = 0;
  await page.route('**/stock', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    asked += 1;
    if (asked > 1 && asked < 4) return route.fallback();
    if (asked < 5) await route.fetch();
    return route.abort('connectionreset');
  });
  const add = async () => {
    await page.getByLabel('How many').fill('5');
    await page.getByLabel('Why').fill('a delivery');
    await page.getByRole('button', { name: 'Add units' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Add units' }).click();
  };
  const capacity = async () => (await seller.send('GET', `/products/${product.id}/stock`)).capacity;
  await add();
  await page.locator('.control').getByText('Done.').waitFor();
  assert.deepEqual([asked, await capacity()], [2, 15]);
  await add();
  await until(async () => await capacity() === 20, 10);
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  // No answer at all: whoever stops waiting is told what he does not know.
  await add();
  await until(() => asked >= 5, 20);
  await page.getByRole('alertdialog').getByRole('button', { name: 'Not now' }).click();
  await page.locator('.control .notice.bad').getByText('No answer came').waitFor();
  assert.equal(await capacity(), 25);
  isQuiet(page);
  await page.context().close();
}

/** A seller has the same buttons for his own products, and learns no numbers of the platform. */
async function letsASellerPauseHisOwn(context) {
  const { market, seller: chief } = context;
  const one = await buyer(market.url);
  await chief.send('PATCH', `/admin/users/${one.user.id}`, { role: 'seller' });
  const product = await (await one.signIn()).product({ name: 'A seller pauses' });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/admin?sale=${product.id}`);
  await page.getByText('Rates and answer times are for administrators.').waitFor();
  await page.getByRole('button', { name: 'Pause now' }).click();
  await page.locator('.board-state .pill.paused').waitFor(seconds(15));
  await page.getByRole('button', { name: 'Go on without an end' }).click();
  await page.locator('.board-state .pill.open').waitFor(seconds(15));
  await isAccessible(page);
  await page.goto(`${market.url}/admin/orders`);
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  isQuiet(page);
  await who.context.close();
}

/** A seller sees own products alone, and has webhooks for what happens to them. */
async function showsASellerWhatIsHis(context) {
  const { market, seller: chief } = context;
  const foreign = await chief.product({ name: 'Not the seller’s' });
  const one = await buyer(market.url);
  await chief.send('PATCH', `/admin/users/${one.user.id}`, { role: 'seller' });
  await one.signIn();
  const who = await visitor(context, { viewport: phone, language: 'ko', scheme: 'dark' });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'ko', '/admin');
  await page.getByRole('heading', { name: '예고된 드롭이 아직 없습니다' }).waitFor();
  await one.product({ name: '셀러의 한정판', publishAt: '2031-01-01T01:00:00Z' });
  await page.goto(`${market.url}/admin/products`);
  await page.getByRole('link', { name: '셀러의 한정판' }).waitFor();
  assert.equal(await page.getByText(foreign.name).count(), 0);
  await page.goto(`${market.url}/admin`);
  await page.getByRole('heading', { name: '셀러의 한정판' }).waitFor();

  await page.getByRole('link', { name: '웹훅' }).click();
  await page.getByText('내 상품이 든 주문의 소식을').waitFor();
  page.expected.push(/^422 /);
  await page.getByLabel('주소').fill('https://127.0.0.1/');
  await page.getByRole('button', { name: '추가' }).click();
  await page.locator('.wrong').getByText('사용할 수 없는 값입니다').waitFor();
  await page.getByLabel('주소').fill('https://receiver.example/hook');
  await page.getByRole('button', { name: '추가' }).click();
  assert.match(await page.locator('.secret').innerText(), /^whsec_/);
  await page.getByRole('alertdialog').getByRole('button').last().click();
  await page.getByRole('rowheader', { name: 'https://receiver.example/hook' }).waitFor();
  assert.equal((await one.send('GET', '/seller/webhooks')).items.length, 1);
  await fitsTheWidth(page);
  await isAccessible(page);
  await picture(page, 'console-seller-webhooks');
  isQuiet(page);
  await who.context.close();
}

/** The session ends elsewhere in the middle of an edit: nothing that was typed is lost, and nothing of it is seen. */
async function keepsAnEditWhenTheSessionEnds(context) {
  const { market, seller: chief } = context;
  const one = await buyer(market.url);
  await chief.send('PATCH', `/admin/users/${one.user.id}`, { role: 'seller' });
  const product = await (await one.signIn()).product({ name: 'Being edited' });
  const who = await visitor(context);
  const page = await who.tab();
  const edit = `/admin/products/${product.id}`;
  await signIn(page, market.url, one.account, 'en', edit);
  await page.getByLabel('Description').fill('Typed for an hour.');
  await one.send('DELETE', '/sessions');
  page.expected.push(/^401 /);
  await until(async () => (await fetch(`${market.url}/api/v1/users/me`, { headers: { Authorization: `Bearer ${one.token}` } })).status === 401, 10);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  assert.ok(!(await page.getByText('Being edited').isVisible()));
  await isAccessible(page);
  await picture(page, 'console-session-ended');
  await page.getByLabel('Password').fill('the wrong one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('E-mail or password is wrong.').waitFor();
  await page.getByLabel('Password').fill(one.account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.equal(await page.getByLabel('Description').inputValue(), 'Typed for an hour.');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await one.send('GET', `/products/${product.id}`)).description, 'Typed for an hour.');
  // A sign-out by the own press shows nothing more, and signing in leads back to the same page.
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(one.account.password);
  await page.locator('form button[type=submit]').click();
  await page.waitForURL(market.url + edit);
  isQuiet(page);
  await who.context.close();
}

/** A question lies above the page, and makes way for signing in. What was typed in it is kept. */
async function makesWayForSigningIn(context) {
  const { market, seller } = context;
  const one = await buyer(market.url);
  const order = await one.buy(await seller.product({ name: 'In a dialog' }));
  await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
  for (const state of ['preparing', 'shipped']) await seller.send('POST', `/admin/orders/${order.id}/advance`, { state });
  const page = await operator(context);
  page.expected.push(/^401 /);
  await page.goto(`${market.url}/admin/orders`);
  await page.getByRole('button', { name: order.id }).click();
  await page.getByRole('button', { name: 'Refund', exact: true }).click();
  await page.getByLabel('Why').fill('typed before');
  await page.context().clearCookies();
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  await isAccessible(page);
  assert.ok(!(await page.getByText(order.id).first().isVisible()), 'nothing of it is seen');
  await page.getByLabel('Password').fill(adminAccount.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.equal(await page.getByRole('alertdialog').getByLabel('Why').inputValue(), 'typed before');
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  isQuiet(page);
  await page.context().close();
}

/** When a product becomes public is changed after it was announced, and back. */
async function changesWhenAProductIsPublic(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Hidden for now', publishAt: '2031-01-01T01:00:00.123Z' });
  const there = () => fetch(`${market.url}/api/v1/products/${product.id}`).then(({ status }) => status);
  assert.equal(await there(), 404);
  const page = await operator(context);
  await page.goto(`${market.url}/admin/products/${product.id}`);
  assert.match(await page.getByLabel(/^Public from/).inputValue(), /^2031-01-01T/);
  await page.getByLabel('Category').fill('secret');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await seller.send('GET', `/products/${product.id}`)).publishAt, '2031-01-01T01:00:00.123Z', 'what was not touched stays');
  await page.getByLabel(/^Public from/).fill('');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await until(async () => (await there()) === 200, 10);
  await page.getByLabel(/^Public from/).fill('2032-02-03T04:05:06');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await until(async () => (await there()) === 404, 10);
  await isAccessible(page);
  isQuiet(page);
  await page.context().close();
}

/** Two change the same product: nobody's change is lost, and both values are seen. */
async function showsBothValuesOfAConflict(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Changed by two', sale: { opensAt: '2031-01-01T01:00:00.123Z', closesAt: null, perUserLimit: 2 } });
  const page = await operator(context);
  page.expected.push(/^412 /);
  const now = () => seller.send('GET', `/products/${product.id}`);
  await page.goto(`${market.url}/admin/products/${product.id}`);
  await page.getByLabel('Category').fill('shoes');
  await seller.send('PATCH', `/products/${product.id}`, { price: { amount: 95_000, currency: 'KRW' } });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Price in minor units: 89000 → 95000').waitFor();
  assert.equal(await page.getByLabel('Price in minor units').inputValue(), '95000');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  const both = await now();
  assert.deepEqual([both.category, both.price.amount, both.sale.opensAt], ['shoes', 95_000, '2031-01-01T01:00:00.123Z']);

  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await seller.send('PATCH', `/products/${product.id}`, { name: 'Theirs <b>' });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('radio', { name: 'Saved meanwhile Theirs <b>' }).waitFor();
  assert.ok(await page.getByRole('radio', { name: 'Yours Mine' }).isChecked());
  assert.equal((await now()).name, 'Theirs <b>', 'nothing is overwritten unasked');
  await isAccessible(page);
  await picture(page, 'console-conflict');
  await page.getByRole('radio', { name: 'Saved meanwhile Theirs <b>' }).check();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Theirs <b>');
  await page.getByRole('radio', { name: 'Yours Mine' }).check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await now()).name, 'Mine');
  // A picture changes the version, and nothing that the form shows.
  await page.locator('input[type=file]').setInputFiles({ name: 'picture.png', mimeType: 'image/png', buffer: png() });
  await page.locator('.picture-now img').waitFor();
  await page.getByLabel('Category').fill('boots');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await now()).category, 'boots');
  isQuiet(page);
  await page.context().close();
}

async function movesOrdersOnAndLocksAccounts(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Moved on' });
  const one = await buyer(market.url);
  const order = await one.buy(product);
  await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
  const page = await operator(context, {});
  await page.getByRole('navigation').getByRole('link', { name: 'Orders' }).click();
  await page.getByRole('button', { name: order.id }).click();
  await isAccessible(page);
  await page.getByRole('button', { name: 'Set to: Being packed' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await page.getByLabel('State').selectOption('preparing');
  await page.getByRole('button', { name: order.id }).click();
  await page.getByRole('button', { name: 'Cancel order' }).click();
  await page.getByText('It cannot be taken back.').waitFor();
  await isAccessible(page);
  assert.equal((await one.send('GET', `/orders/${order.id}`)).state, 'preparing');
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  assert.equal((await one.send('GET', `/orders/${order.id}`)).state, 'cancelled');
  // Another one that was shipped: its money goes back, and the reason is kept.
  const lost = await one.buy(product);
  await one.send('POST', `/orders/${lost.id}/payment`, { method: 'card', token: 'ok' });
  await page.getByLabel('State').selectOption('paid');
  await page.getByRole('button', { name: lost.id }).click();
  await page.getByRole('button', { name: 'Set to: Being packed' }).waitFor();
  // What others do to it meanwhile is seen in the dialog.
  for (const state of ['preparing', 'shipped']) await seller.send('POST', `/admin/orders/${lost.id}/advance`, { state });
  await page.getByRole('button', { name: 'Refund', exact: true }).click();
  await page.getByLabel('Why').fill('lost <b>on its way</b>');
  await isAccessible(page);
  await picture(page, 'console-refund');
  await page.getByRole('button', { name: 'Give the money back' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await until(async () => (await one.send('GET', `/orders/${lost.id}`)).payment.state === 'refunded', 15);
  await page.getByLabel('State').selectOption('shipped');
  await page.getByRole('button', { name: lost.id }).click();
  await page.getByRole('alertdialog').getByText('Refunded').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Refund', exact: true }).count(), 0, 'money goes back once');
  assert.equal(await page.getByRole('button', { name: /^Set to/ }).count(), 0, 'it takes no further step');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Close' }).click();
  await page.getByLabel('State').selectOption('');
  await isAccessible(page);
  await picture(page, 'console-orders');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as CSV' }).click()]);
  assert.match(readFileSync(await file.path(), 'utf8'), new RegExp(order.id));
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByLabel('Whole e-mail address').fill(one.account.email);
  await page.getByRole('button', { name: 'Search' }).click();
  const role = page.getByLabel(`Role: ${one.account.email}`);
  await role.selectOption('admin');
  await page.getByRole('alertdialog').getByText(`Make ${one.account.email} this: Administrator?`).waitFor();
  await isAccessible(page);
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  assert.equal(await role.inputValue(), 'customer');
  await role.selectOption('seller');
  await page.getByRole('button', { name: 'Change the role' }).click();
  await until(async () => await role.inputValue() === 'seller', 10);
  await page.getByRole('button', { name: `Lock: ${one.account.email}` }).click();
  await page.getByRole('alertdialog').getByText(`Lock ${one.account.email}?`).waitFor();
  await isAccessible(page);
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await one.signIn();
  await page.getByRole('button', { name: `Lock: ${one.account.email}` }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Lock' }).click();
  await page.getByText('locked', { exact: true }).waitFor();
  await assert.rejects(one.signIn(), /40[13]/);
  await page.getByRole('button', { name: `Unlock: ${one.account.email}` }).click();
  await page.getByText('locked', { exact: true }).waitFor({ state: 'detached' });
  await isAccessible(page);
  await one.signIn();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.locator('tbody tr').nth(1).waitFor();
  await page.getByText(one.account.email).waitFor({ state: 'detached' });
  await isAccessible(page);
  isQuiet(page);
  await page.context().close();
}

async function showsHowTheServicesAre(context) {
  const page = await operator(context, { language: 'ko', scheme: 'dark' });
  await page.getByRole('link', { name: '서비스', exact: true }).click();
  await page.locator('.bar .pill.open').waitFor();
  await page.getByText('혼자서 플랫폼 전체입니다').waitFor();
  await page.locator('.figure', { hasText: '실패한 커밋' }).getByText('정상').waitFor();
  await page.getByRole('rowheader', { name: 'POST /api/v1/sessions', exact: true }).first().waitFor();
  await isAccessible(page);
  await picture(page, 'console-services');
  isQuiet(page);
  await page.context().close();
}

/** Without a mouse: past the menu to the button, and what it does is said. */
async function pausesByKeyboardAlone(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'By keyboard' });
  const page = await operator(context);
  await page.goto(`${market.url}/admin/products`);
  await page.locator('tbody tr').first().waitFor();
  assert.equal(await page.title(), 'Products · Console · MARKET');
  const board = page.getByRole('navigation').getByRole('link', { name: 'Sale board' });
  await tabTo(page, board);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/admin(\?|$)/);
  await until(() => page.evaluate(() => document.activeElement.id === 'content'), 5);
  await page.goto(`${market.url}/admin?sale=${product.id}`);
  await page.locator('.board-state .pill.open').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('button', { name: 'Pause now' }));
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'Done.' }).waitFor();
  await page.getByRole('status').filter({ hasText: 'Paused' }).first().waitFor(seconds(15));
  await page.locator('button:not([aria-disabled])', { hasText: 'Go on without an end' }).waitFor();
  await tabTo(page, page.getByRole('button', { name: 'Go on without an end' }));
  await page.keyboard.press('Space');
  await page.locator('.board-state .pill.open').waitFor(seconds(15));
  isQuiet(page);
  await page.context().close();
}

/** What waits, was sent or failed; addresses are masked, and one that failed is sent again. */
async function showsTheMailOutbox(context) {
  const { market } = context;
  const one = await buyer(market.url);
  const page = await operator(context);
  await page.getByRole('link', { name: 'Mail outbox' }).click();
  await page.getByRole('row', { name: /^Confirm the address/ }).first().waitFor();
  assert.equal(await page.getByText(one.account.email).count(), 0, 'no whole address is shown');
  await page.getByLabel('State').selectOption('failed');
  await page.getByRole('heading', { name: 'Nothing is here' }).waitFor();
  await page.getByLabel('State').selectOption('waiting'); // This server has no mail server.
  await page.getByRole('row', { name: /^Confirm the address Waiting/ }).first().waitFor();
  await isAccessible(page);
  await picture(page, 'console-mails');
  // What the server would say of one that failed, and what the button asks.
  const failed = { id: '0C3KQ2V8M0G00', kind: 'order.paid', state: 'failed', to: 'k***@example.kr', userId: null, orderId: null,
    createdAt: '2030-01-01T00:00:00.000Z', attempts: 15, nextAttemptAt: null, sentAt: null, reason: '550 <b>no such user</b>' };
  const asked = [];
  await page.route('**/api/v1/admin/mails**', (route) => {
    if (route.request().method() === 'POST') {
      asked.push(route.request().url());
      failed.state = 'waiting';
      return route.fulfill({ json: failed });
    }
    return route.fulfill({ json: { items: [failed], nextCursor: null } });
  });
  await page.getByText('550 <b>no such user</b>').waitFor();
  await page.getByRole('button', { name: 'Send again: order.paid k***@example.kr' }).click();
  await page.getByRole('row', { name: /Waiting/ }).waitFor();
  assert.deepEqual(asked.map((each) => each.split('/v1')[1]), [`/admin/mails/${failed.id}/retry`]);
  await isAccessible(page);
  isQuiet(page);
  await page.context().close();
}

/** Made, shown its secret once, told of an order, looked at, sent again, stopped and deleted. */
async function tellsOthersOfOrders(context) {
  const taken = [];
  const receiver = createServer((request, answer) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      taken.push({ headers: request.headers, body: JSON.parse(body) });
      answer.writeHead(taken.length === 1 ? 500 : 204).end();
    });
  });
  await new Promise((done) => { receiver.listen(0, '127.0.0.1', done); });
  const url = `http://127.0.0.1:${receiver.address().port}/hook?<b>`.replace('<b>', 'b=1');
  const market = await Server.start(['--data', path.join(context.folder, 'hooks'), '--set', 'ratelimit.enabled=false',
    '--set', 'webhooks.private_networks=127.0.0.0/8', '--set', 'webhooks.retry_after=200ms']);
  try {
    const who = await visitor(context);
    const page = await who.tab();
    await signIn(page, market.url, adminAccount, 'en', '/admin/webhooks');
    await page.getByText('Nobody is told of orders yet.').waitFor();
    page.expected.push(/^422 /);
    await page.getByLabel('Address').fill('ftp://x');
    await page.getByRole('button', { name: 'Add it' }).click();
    await page.locator('.wrong, .notice.bad').first().waitFor();
    await page.getByLabel('Address').fill(url);
    await page.getByRole('button', { name: 'Add it' }).click();
    const secret = await page.locator('.secret').innerText();
    assert.match(secret, /^whsec_/);
    await isAccessible(page);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    assert.equal(await page.getByText(secret).count(), 0);
    const seller = await admin(market.url);
    const product = await seller.product();
    const one = await buyer(market.url);
    const order = await one.buy(product);
    await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
    await page.getByRole('row', { name: /^order\.paid.* Delivered/ }).waitFor(seconds(20));
    assert.equal(taken.length, 2, 'refused once, then taken');
    assert.equal(taken[0].headers['webhook-id'], taken[1].headers['webhook-id']);
    await page.getByText('Body').first().click();
    await page.locator('pre').filter({ hasText: order.id }).waitFor();
    await isAccessible(page);
    await fitsTheWidth(page);
    await picture(page, 'console-webhooks');
    await page.getByRole('button', { name: /^Send again: order\.paid/ }).click();
    await until(() => taken.length === 3, 15);
    assert.equal(taken[2].headers['webhook-id'], taken[0].headers['webhook-id']);
    await page.getByRole('button', { name: `New secret: ${url}` }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Not now' }).click();
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    assert.equal(await page.locator('.secret').count(), 0);
    await page.getByRole('button', { name: `New secret: ${url}` }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'New secret' }).click();
    assert.notEqual(await page.locator('.secret').innerText(), secret);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByRole('button', { name: `Stop: ${url}` }).click();
    await page.getByText('stopped', { exact: true }).waitFor();
    await page.getByRole('button', { name: `Delete: ${url}` }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Nobody is told of orders yet.').waitFor();
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
    receiver.close();
  }
}

/** The registry's services, seen through a gateway; one that is drained is seen so. */
async function showsTheServicesOfTheRegistry(context) {
  const registry = await Server.start(['--role', 'registry']);
  const urls = `registry.urls=${registry.url}/eureka`;
  const services = await Server.start(['--role', 'user,product,order', '--data', path.join(context.folder, 'behind'),
    '--set', urls, '--set', 'registry.fetch_interval=200ms', '--set', 'ratelimit.enabled=false']);
  const gateway = await Server.start(['--role', 'gateway', '--set', urls]);
  const evil = new FakeInstance(registry, 'EVIL', '"><img src=x onerror=alert(1)>');
  try {
    await evil.register();
    await until(async () => (await fetch(`${gateway.url}/api/v1/products`)).ok, 20);
    const who = await visitor(context);
    const page = await who.tab();
    await signIn(page, gateway.url, adminAccount, 'en', '/admin/services');
    for (const name of ['market-order', 'market-product', 'market-user'])
      await page.getByRole('row', { name: new RegExp(`^${name} UP`) }).waitFor();
    await page.getByRole('row', { name: /^evil UP/ }).waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    const row = page.getByRole('row', { name: /^market-product/ });
    const id = await row.locator('code').last().innerText();
    await fetch(`${registry.url}/eureka/apps/MARKET-PRODUCT/${id}/status?value=OUT_OF_SERVICE`, { method: 'PUT' });
    await row.getByText('OUT_OF_SERVICE').waitFor(seconds(15));
    await fetch(`${registry.url}/eureka/apps/MARKET-PRODUCT/${id}/status?value=UP`, { method: 'DELETE' });
    await row.getByText('UP', { exact: true }).waitFor(seconds(15));
    await isAccessible(page);
    await fitsTheWidth(page);
    await picture(page, 'console-registry');
    await registry.kill();
    await page.getByText('No registry answers; this is the last known list').waitFor(seconds(20));
    await page.getByRole('row', { name: /^market-order/ }).waitFor();
    isQuiet(page);
    await who.context.close();
  } finally {
    for (const server of [gateway, services, registry]) await server.stop();
  }
}

async function fitsAPhone(context) {
  await context.seller.product();
  const page = await operator(context, { viewport: phone, language: 'ko' });
  for (const name of ['판매 현황', '상품', '보고서', '주문', '사용자', '웹훅', '메일 발신함', '감사 기록', '서비스']) {
    await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
    await page.locator('h1').first().waitFor();
    await page.waitForTimeout(1200);
    await fitsTheWidth(page);
    await isAccessible(page);
    await picture(page, `console-phone-${name.replace(' ', '-')}`);
    await page.setViewportSize(narrow);
    await fitsTheWidth(page);
    await page.setViewportSize(phone);
  }
  isQuiet(page);
  await page.context().close();
}

/** The board while a sale runs: its charts move. */
async function movesWithACrowd(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Aurora Runner 02', stock: 400, sale: { opensAt: new Date().toISOString(), perUserLimit: 1000 } });
  const page = await operator(context, { viewport: { ...wide, height: 1000 } });
  await page.goto(`${market.url}/admin?sale=${product.id}`);
  const crowd = await Promise.all(Array.from({ length: 4 }, () => buyer(market.url)));
  const end = Date.now() + 40_000;
  await Promise.all(crowd.map(async (one) => {
    let refused = 0; // Some are refused when all is gone, and the board says so.
    for (let i = 0; refused < 5 && Date.now() < end; i += 1) {
      await one.buy(product).catch(() => { refused += 1; });
      await new Promise((wake) => { setTimeout(wake, 20 + 40 * Math.abs(Math.sin(i / 12))); });
    }
  }));
  await page.locator('.figure', { hasText: 'Remaining' }).locator('dd').filter({ hasText: /^0/ }).waitFor();
  const label = await page.getByRole('img', { name: /^Orders a second/ }).getAttribute('aria-label');
  assert.match(label, /arrived [\d.]+, accepted [\d.]+, refused [\d.]+/);
  await page.getByRole('img', { name: /^Refused a second, by reason: .*Sold out/ }).waitFor();
  await page.getByRole('img', { name: /^Answer time of an order, ms: p50 [\d.]+, p99 [\d.]+/ }).waitFor();
  assert.equal(await page.locator('.chart canvas').count(), 4);
  await isAccessible(page);
  await picture(page, 'console-board', { fullPage: false });

  // And the report of it.
  await Promise.all(crowd.map(async (one) => {
    const [first, second, third] = await one.orders();
    await one.send('POST', `/orders/${first.id}/payment`, { method: 'card', token: 'ok' });
    await one.send('POST', `/orders/${second.id}/payment`, { method: 'card', token: 'ok' });
    await one.send('POST', `/orders/${third.id}/cancel`);
  }));
  await page.getByRole('main').getByRole('link', { name: 'Report' }).click();
  await page.locator('.board-state').getByText(/^Opened /).waitFor();
  await page.locator('.figure', { hasText: 'Revenue' }).getByText('₩712,000').waitFor(seconds(20));
  await page.locator('.figure', { hasText: 'Last order after' }).getByText(/ s$/).waitFor();
  await page.getByRole('img', { name: /^Units, every 1 s/ }).waitFor();
  await page.getByRole('img', { name: /^Units sold, of 400: Sold 396/ }).waitFor();
  await page.locator('.bars').getByText('Cancelled').waitFor();
  await page.locator('.bars').getByText('Sold out').waitFor(seconds(15));
  await page.getByRole('img', { name: /^Refused orders, every 1 s: .*Sold out/ }).waitFor();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as CSV' }).click()]);
  assert.equal(readFileSync(await file.path(), 'utf8').trim().split('\n').length, 401, 'all orders, and the names of columns');
  await isAccessible(page);
  await picture(page, 'console-report');
  isQuiet(page);
  await page.context().close();
}

await run([isForOperatorsAlone, announcesWatchesAndClosesASale, announcesNothingHalfFilled, saysWhatNoFieldSays, staysAtItsSale, addsUnitsOnce, letsASellerPauseHisOwn, showsASellerWhatIsHis, keepsAnEditWhenTheSessionEnds, makesWayForSigningIn, changesWhenAProductIsPublic, showsBothValuesOfAConflict, movesWithACrowd,
  movesOrdersOnAndLocksAccounts, pausesByKeyboardAlone, showsTheMailOutbox, tellsOthersOfOrders, showsHowTheServicesAre, showsTheServicesOfTheRegistry, fitsAPhone], makeContext);
