// What a buyer has in hand when an answer is lost, is somebody else's, or the session ends, in a real browser.
//
//   MARKET_BINARY=build/release/market node tests/browser/lost.mjs [name…]
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { admin, buyer } from './api.mjs';
import { isQuiet, phone, picture, run } from './browser.mjs';
import { binary, Server, until } from './platform.mjs';
import { isAccessible, makeContext, operatorAt, seconds, signIn, visitor } from './visit.mjs';

const regular = { kind: 'regular', sale: null };
const button = (page) => page.locator('.buy-button');
const cartOf = async (one) => (await one.send('GET', '/cart')).items.map((each) => each.quantity);
const portal = { status: 200, contentType: 'text/html', body: '<html>Sign in to the Wi-Fi' };
const timedOut = { status: 524, contentType: 'text/html', body: '<html>A timeout occurred' };
const busy = {
  status: 503, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json',
  body: JSON.stringify({ type: 'about:blank', title: 'busy', status: 503, detail: '', message: '', code: 'overloaded', traceId: '0' }),
};
const nothing = null;

/** A buyer who is signed in on this page, which bears requests without an answer. */
async function signedIn(context, place, options) {
  const one = await buyer(context.market.url);
  const who = await visitor(context, options);
  const page = await who.tab();
  page.expected.push(/ERR_/, /^(503|524) /);
  await signIn(page, context.market.url, one.account, 'en', place);
  return { one, who, page };
}

/** Requests of this method are carried out (`reach`), or not, and answered so: one answer for each; then they go through. */
async function answers(page, address, method, all, reach = true) {
  const [left, sent] = [[...all], []];
  await page.route(address, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    sent.push(route.request().headers()['idempotency-key']);
    if (left.length === 0) return route.fallback();
    if (reach) await route.fetch();
    const answer = left.shift();
    return answer ? route.fulfill(answer) : route.abort('connectionreset');
  });
  return sent;
}

/** A page of a Wi-Fi or a proxy is no answer: the same purchase, and the same payment, goes on. */
async function aStrangersPageIsNoAnswer(context) {
  const product = await context.seller.product();
  const { one, who, page } = await signedIn(context, `/store/products/${product.id}`);
  const ordered = await answers(page, '**/api/v1/orders', 'POST', [timedOut, portal, { ...portal, body: '' }]);
  await button(page).click();
  await page.locator('.ticket').waitFor(seconds(20));
  assert.equal(ordered.length, 4);
  assert.equal(new Set(ordered).size, 1, 'another key was sent');
  assert.equal((await one.orders()).length, 1);
  await page.getByRole('link', { name: 'Pay now' }).click();
  const paid = await answers(page, '**/payment', 'POST', [portal, timedOut], false);
  await page.getByRole('button', { name: /^Pay ₩/ }).click();
  await page.getByText('Paid. Thank you.').waitFor(seconds(20));
  assert.equal(paid.length, 3);
  assert.equal(new Set(paid).size, 1, 'another key was sent');
  isQuiet(page);
  await who.context.close();
}

/** What was ordered leaves the cart, although that was not answered at once; on the next page, too. */
async function whatIsOrderedLeavesTheCart(context) {
  const { market, seller } = context;
  const bag = await seller.product({ name: 'Bag ordered', ...regular });
  const { one, who, page } = await signedIn(context, '/');
  for (const [orders, answer, loadAgain] of [[1, nothing, false], [2, busy, false], [3, nothing, true]]) {
    await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
    await page.goto(`${market.url}/store/cart`);
    let left = loadAgain ? Infinity : 1;
    await page.route('**/cart/items/**', (route) => {
      if (left-- <= 0) return route.fallback();
      return answer ? route.fulfill(answer) : route.abort('connectionreset');
    });
    await page.getByRole('button', { name: /^Order all for/ }).click();
    await page.waitForURL(/\/store\/orders\/./);
    if (loadAgain) {
      await page.reload();
      await page.getByRole('heading', { name: bag.name }).waitFor();
      assert.deepEqual(await cartOf(one), [1]);
      left = 0;
    }
    await page.getByRole('navigation').getByRole('link', { name: 'Cart' }).click();
    await page.getByRole('heading', { name: 'The cart is empty' }).waitFor();
    assert.equal(page.url(), `${market.url}/store/cart`);
    assert.deepEqual(await cartOf(one), []);
    assert.equal((await one.orders()).length, orders);
    await page.unroute('**/cart/items/**');
  }
  isQuiet(page);
  await who.context.close();
}

/** The answer came when another page was open, which was closed: the cart of the next day leads to no old order. */
async function aCartLeadsToNoOldOrder(context) {
  const { market, seller } = context;
  const [bag, lamp] = [await seller.product({ name: 'Bag of before', ...regular }), await seller.product({ name: 'Lamp of today', ...regular })];
  const { one, who, page } = await signedIn(context, '/');
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  await page.goto(`${market.url}/store/cart`);
  let answer;
  const left = new Promise((done) => { answer = done; });
  await page.route('**/api/v1/orders', async (route) => { await left; return route.fallback(); }, { times: 1 });
  await page.getByRole('button', { name: /^Order all for/ }).click();
  await page.locator('.buy-button[aria-busy]').waitFor();
  await page.locator('header a').first().click();
  await page.getByRole('searchbox').waitFor();
  answer();
  await until(async () => (await cartOf(one)).length === 0, 10);
  await until(() => page.evaluate(() => !Object.keys(localStorage).some((each) => each.startsWith('market.buy'))), 5);
  await one.send('PUT', `/cart/items/${lamp.id}`, { quantity: 1 });
  await page.goto(`${market.url}/store/cart`);
  await page.getByRole('button', { name: /^Order all for/ }).waitFor();
  assert.equal(page.url(), `${market.url}/store/cart`);
  isQuiet(page);
  await who.context.close();
}

/** The same in one visit, which goes on for an hour: what was ordered shows itself once, and soon. */
async function aCartLeadsToNoOldOrderInOneVisit(context) {
  const { market, seller } = context;
  const [bag, lamp] = [await seller.product({ name: 'Bag an hour ago', ...regular }), await seller.product({ name: 'Lamp by now', ...regular })];
  const { one, who, page } = await signedIn(context, '/');
  const cart = page.getByRole('navigation').getByRole('link', { name: 'Cart' });
  const ordersAndLeaves = async () => {
    await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
    await cart.click();
    let answer;
    const left = new Promise((done) => { answer = done; });
    await page.route('**/api/v1/orders', async (route) => { await left; return route.fallback(); }, { times: 1 });
    await page.getByRole('button', { name: /^Order all for/ }).click();
    await page.locator('.buy-button[aria-busy]').waitFor();
    await page.locator('header a').first().click();
    await page.getByRole('searchbox').waitFor();
    answer();
    await until(() => page.evaluate(() => !Object.keys(localStorage).some((each) => each.startsWith('market.buy'))), 10);
    assert.deepEqual(await cartOf(one), []);
  };
  const shows = async (name) => {
    await page.getByRole('link', { name }).first().waitFor();
    await page.waitForTimeout(500);
    assert.equal(page.url(), `${market.url}/store/cart`);
  };
  await ordersAndLeaves();
  await cart.click();
  await page.waitForURL(/\/store\/orders\/./); // Although the cart is empty.
  await one.send('PUT', `/cart/items/${lamp.id}`, { quantity: 1 });
  await cart.click();
  await shows(lamp.name);
  await page.goto(market.url);
  await one.send('DELETE', `/cart/items/${lamp.id}`);
  await ordersAndLeaves();
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
  });
  await one.send('PUT', `/cart/items/${lamp.id}`, { quantity: 1 });
  await cart.click();
  await shows(lamp.name);
  isQuiet(page);
  await who.context.close();
}

/** One press is one more, however often its answer is lost; and so is the press after it was said not to have worked. */
async function onePressIsOneMore(context) {
  const { seller } = context;
  const bag = await seller.product({ name: 'Bag added', ...regular });
  const { one, who, page } = await signedIn(context, `/store/products/${bag.id}`);
  const add = page.getByRole('button', { name: 'Add to cart' });
  let sent = await answers(page, '**/cart/items/**', 'PUT', [nothing]);
  await add.click();
  await page.getByText('The shop does not answer. We try again by ourselves.').waitFor();
  await page.getByText('In the cart.').waitFor();
  assert.equal(sent.length, 2);
  assert.deepEqual(await cartOf(one), [1]);
  await page.unroute('**/cart/items/**');
  sent = await answers(page, '**/cart/items/**', 'PUT', Array(5).fill(nothing));
  await add.click();
  await page.getByRole('alert').getByText('That did not work').waitFor(seconds(30));
  assert.equal(sent.length, 5);
  await add.click();
  await page.getByText('In the cart.').waitFor();
  assert.deepEqual(await cartOf(one), [2]);
  isQuiet(page);
  await who.context.close();
}

/** The market was restored from a backup that is older than the order: its buyer may buy. */
async function anOrderThatIsNoMore(context) {
  const [data, backup, restored] = ['backed-up', 'backup', 'restored'].map((name) => path.join(context.folder, name));
  const serve = (folder, address) => Server.start(['--data', folder, '--set', 'ratelimit.enabled=false'], address);
  const operate = (...words) => {
    const { status, stderr } = spawnSync(binary, words, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  let market = await serve(data);
  try {
    const seller = await admin(market.url);
    const product = await seller.product();
    const one = await buyer(market.url);
    await market.stop();
    operate('backup', '--data', data, '--to', backup);
    market = await serve(data, market.address);
    const who = await visitor(context, { viewport: phone });
    const page = await who.tab();
    page.expected.push(/ERR_/, /^40[14] /);
    const place = `/store/products/${product.id}`;
    await signIn(page, market.url, one.account, 'en', place);
    await button(page).click();
    await page.locator('.ticket').getByText('You got no. 1').waitFor();
    await market.stop();
    operate('restore', '--from', backup, '--data', restored);
    market = await serve(restored, market.address);
    await signIn(page, market.url, one.account, 'en', place);
    await page.getByRole('button', { name: /^Buy now for/ }).click();
    await page.locator('.ticket').waitFor();
    assert.equal((await (await one.signIn()).orders()).length, 1);
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

/** His session is ended elsewhere; the page hears of it with the next press. */
async function endsElsewhere({ market }, one, page, press) {
  page.expected.push(/^401 /);
  await one.send('DELETE', '/sessions');
  const headers = { Authorization: `Bearer ${one.token}` };
  await until(async () => (await fetch(`${market.url}/api/v1/users/me`, { headers })).status === 401, 10);
  await press.click();
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
}

async function comesBack(page, one) {
  await page.getByLabel('Password').and(page.locator(':visible')).fill(one.account.password);
  await page.locator('form button[type=submit]:visible').click();
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor({ state: 'detached' });
}

/** What was typed is there again when the same person is back, and is unseen meanwhile. */
async function whatIsTypedOutlivesASession(context) {
  const { market, seller } = context;
  const { one, who, page } = await signedIn(context, '/store/me', { viewport: phone });
  const address = page.getByLabel('Address');
  await address.fill('12 Long street');
  await endsElsewhere(context, one, page, page.getByRole('button', { name: 'Save' }));
  assert.ok(!(await address.isVisible()));
  await isAccessible(page);
  await picture(page, 'shop-session-ended');
  await comesBack(page, one);
  assert.equal(await address.inputValue(), '12 Long street');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Save', 'the focus is where it was');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await one.signIn();
  assert.equal((await one.send('GET', '/users/me')).address, '12 Long street');
  // The reason of a return, in its dialog.
  const order = await one.buy(await seller.product());
  await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
  for (const state of ['preparing', 'shipped', 'delivered']) await seller.send('POST', `/admin/orders/${order.id}/advance`, { state });
  await page.goto(`${market.url}/store/orders/${order.id}`);
  await page.getByRole('button', { name: /^Return/ }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('textbox').fill('Torn at the seam');
  await endsElsewhere(context, one, page, dialog.getByRole('button').last());
  assert.equal(await dialog.count(), 0);
  await comesBack(page, one);
  assert.equal(await dialog.getByRole('textbox').inputValue(), 'Torn at the seam');
  await dialog.getByRole('button').last().click();
  await page.locator('.pill.return_requested').waitFor();
  isQuiet(page);
  await who.context.close();
}

/** The session ends while a payment is asked for again: the same payment goes on when its buyer is back. */
async function aPaymentOutlivesASession(context) {
  const { one, who, page } = await signedIn(context, '/');
  const order = await one.buy(await context.seller.product());
  await page.goto(`${context.market.url}/store/orders/${order.id}`);
  page.expected.push(/^40[13] /);
  const sent = [];
  await page.route('**/payment', async (route) => {
    sent.push(route.request().headers()['idempotency-key']);
    if (sent.length === 1) return route.abort('connectionreset');
    if (sent.length === 2) return route.fulfill({ ...portal, status: 403 });
    if (sent.length === 3) await who.context.clearCookies();
    return route.continue();
  });
  await page.getByRole('button', { name: /^Pay ₩/ }).click();
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor(seconds(20));
  assert.equal(sent.length, 3);
  await comesBack(page, one);
  await page.getByText('Paid. Thank you.').waitFor();
  assert.equal(new Set(sent).size, 1, 'another key was sent');
  isQuiet(page);
  await who.context.close();
}

/** Somebody else signs in instead, here or in another tab: nothing of it is his. */
async function whatIsTypedIsNobodyElses(context) {
  const { market } = context;
  const { one, who, page } = await signedIn(context, '/store/me');
  const [second, third] = [await buyer(market.url), await buyer(market.url)];
  const type = async () => {
    await page.getByLabel('Address').fill('12 Long street');
    await endsElsewhere(context, one, page, page.getByRole('button', { name: 'Save' }));
  };
  const isOf = async (account) => {
    await page.locator('main p.muted', { hasText: account.email }).waitFor();
    assert.equal(await page.getByLabel('Address').inputValue(), '');
    assert.equal(await page.getByText(one.account.email).count(), 0);
  };
  await type();
  const other = await who.tab();
  await signIn(other, market.url, second.account, 'en', '/');
  await isOf(second.account);
  await signIn(page, market.url, one.account, 'en', '/store/me');
  await one.signIn();
  await type();
  await page.getByRole('link', { name: 'Another account' }).click();
  await page.getByLabel('E-mail').fill(third.account.email);
  await page.getByLabel('Password').fill(third.account.password);
  await page.locator('form button[type=submit]').click();
  await isOf(third.account);
  isQuiet(page);
  await who.context.close();
}

/** Browsers that the pages are built for, and what an older shop or a broken disk left in them. */
async function oldBrowsersBuy(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context, { before: () => { delete AbortSignal.any; } });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/');
  for (const left of ['{}', '[]', '{"pending":null}']) {
    await page.evaluate(([name, value]) => localStorage.setItem(name, value), [`market.buy.${one.user.id}.${product.id}`, left]);
    await page.goto(`${market.url}/store/products/${product.id}`);
    await page.getByRole('button', { name: /^Buy now for/ }).waitFor();
  }
  await button(page).click();
  await page.locator('.ticket').getByText('You got no. 1').waitFor();
  isQuiet(page);
  await who.context.close();
  const console = await operatorAt(context, `/admin?sale=${product.id}`, { before: () => { delete AbortSignal.any; } });
  await console.locator('.checks li.good', { hasText: 'All services are ready' }).waitFor(seconds(15));
  isQuiet(console);
  await console.context().close();
}

await run([aStrangersPageIsNoAnswer, whatIsOrderedLeavesTheCart, aCartLeadsToNoOldOrder, aCartLeadsToNoOldOrderInOneVisit,
  onePressIsOneMore, anOrderThatIsNoMore, whatIsTypedOutlivesASession, aPaymentOutlivesASession, whatIsTypedIsNobodyElses, oldBrowsersBuy], makeContext);
