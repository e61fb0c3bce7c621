// What goes wrong around a buyer, in a real browser: shared computers, full storage, refusals, deploys, sleep.
//
//   MARKET_BINARY=build/release/market node tests/browser/troubles.mjs [name…]
import assert from 'node:assert/strict';
import path from 'node:path';

import { admin, buyer } from './api.mjs';
import { isQuiet, patience, run } from './browser.mjs';
import { adminAccount, Server, until } from './platform.mjs';
import { makeContext, seconds, signIn, visitor } from './visit.mjs';

const buyNow = /^Buy now for/;
const problem = (status, code, head = {}) => ({
  status, headers: { 'Content-Type': 'application/problem+json', ...head },
  body: JSON.stringify({ type: 'about:blank', title: code, status, detail: `The developers' words for ${code}.`, message: `A sentence for buyers: ${code}.`, code, traceId: '0' }),
});

/** Two people, one browser: nothing of the first is shown to the second. */
async function forgetsOneBuyerBeforeTheNext(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'A secret present', kind: 'regular', sale: null });
  const [first, second] = [await buyer(market.url), await buyer(market.url)];
  await first.buy(product);
  await first.send('PUT', `/cart/items/${product.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, first.account, 'en', '/store/orders');
  await page.getByRole('link', { name: product.name }).waitFor();
  await page.getByRole('link', { name: 'Cart' }).click();
  await page.getByRole('link', { name: product.name }).waitFor();
  await page.locator('.account').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL(`${market.url}/`);
  await page.getByRole('link', { name: 'Sign in', exact: true }).click();
  // No answer of the second buyer's comes: what is shown is what the page remembers.
  await page.route(/\/api\/v1\/(orders|cart)\b/, () => undefined);
  await page.getByLabel('E-mail').fill(second.account.email);
  await page.getByLabel('Password').fill(second.account.password);
  await page.locator('form button[type=submit]').click();
  for (const name of ['My orders', 'Cart']) {
    await page.getByRole('navigation').getByRole('link', { name }).click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    await page.getByText('Loading').or(page.getByRole('link', { name: product.name })).first().waitFor();
    assert.equal(await page.getByRole('link', { name: product.name }).count(), 0, `${name} of somebody else`);
  }
  isQuiet(page);
  await who.context.close();
}

/** Somebody else signs in, in another tab: what was typed here for the first goes into nobody's account. */
async function keepsAccountsApart(context) {
  const { market } = context;
  const [first, second] = [await buyer(market.url), await buyer(market.url)];
  await second.send('PATCH', '/users/me', { name: '이둘', phone: '010-2222-2222' });
  const who = await visitor(context);
  const [page, other] = [await who.tab(), await who.tab()];
  await signIn(page, market.url, first.account, 'en', '/store/me');
  await page.getByLabel('Name').fill('Of the first');
  await page.getByLabel('Phone').fill('010-1111-1111');
  await signIn(other, market.url, second.account, 'en', '/');
  await page.getByText(second.account.email).waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), '이둘');
  await page.getByLabel('Address').fill('Seoul');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { name, phone, address } = await second.send('GET', '/users/me');
  assert.deepEqual([name, phone, address], ['이둘', '010-2222-2222', 'Seoul']);
  isQuiet(page);
  await who.context.close();
}

/** Storage that is full or forbidden forgets when the page closes; until then one press is one order and one charge. */
async function buysWithoutStorage(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context, {
    before: () => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; },
  });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByRole('button', { name: buyNow }).evaluate((element) => { element.click(); element.click(); });
  await page.locator('.ticket').waitFor();
  await page.getByRole('link', { name: 'Pay now' }).click();
  await page.getByRole('button', { name: /^Pay ₩/ }).click();
  await page.locator('.history').getByText('Paid').waitFor();
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

/** "Too many requests" is no "not here": the page says that it goes on asking, and does. */
async function saysNotHereOfNothingElse(context) {
  const { market, seller } = context;
  const product = await seller.product({ kind: 'regular', sale: null });
  const one = await buyer(market.url);
  const order = await one.buy(product);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^(429|503|504) /);
  await signIn(page, market.url, one.account, 'en', '/');
  for (const answer of [problem(429, 'rate_limited', { 'Retry-After': '1' }), problem(503, 'unavailable', { 'Retry-After': '1' }),
    { status: 504, body: '<h1>Gateway time-out</h1>', contentType: 'text/html' }])
    for (const place of [`/store/products/${product.id}`, `/store/orders/${order.id}`, '/store/orders', '/store/cart', '/']) {
      let away = true;
      const refuse = (route) => (away ? route.fulfill(answer) : route.fallback());
      const asked = /\/api\/v1\/(products|orders|cart)(\?|$|\/\w+$)/;
      await page.route(asked, refuse);
      await page.goto(market.url + place);
      await page.getByText('We try again by ourselves').first().waitFor().catch((error) => { error.message += ` ${place} ${answer.status}`; throw error; });
      assert.equal(await page.getByText('is not here').count(), 0);
      away = false;
      await page.getByRole('link', { name: product.name }).or(page.getByRole('heading', { name: product.name }))
        .or(page.getByText('The cart is empty')).first().waitFor(seconds(15));
      await page.getByText('We try again by ourselves').waitFor({ state: 'detached' });
      await page.unroute(asked, refuse);
    }
  isQuiet(page);
  await who.context.close();
}

/** A refusal is the answer to one press: what has changed since is seen. */
async function aRefusalIsNotForEver(context) {
  const { market, seller } = context;
  const product = await seller.product({ sale: { opensAt: new Date(Date.now() - 1000).toISOString(), perUserLimit: 1 } });
  const one = await buyer(market.url);
  const order = await one.buy(product);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^409 /);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByRole('button', { name: buyNow }).click();
  await page.getByText('You have your 1').waitFor();
  // Cancelled here: the place is free again.
  await page.getByRole('link', { name: 'My orders' }).last().click();
  await page.getByRole('link', { name: product.name }).click();
  await page.getByRole('button', { name: 'Cancel order' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel order' }).click();
  await page.locator('.history').getByText('Cancelled').waitFor();
  await page.locator('.lines').getByRole('link', { name: product.name }).click();
  await page.getByRole('button', { name: buyNow }).waitFor();
  // And again, cancelled elsewhere: this page is not told, and lets the server decide.
  const second = await one.buy(product);
  for (let i = 0; i < 2; i += 1) {
    await page.getByRole('button', { name: buyNow }).click();
    await page.getByText('You have your 1').waitFor();
  }
  assert.notEqual(second.id, order.id);
  await one.send('POST', `/orders/${second.id}/cancel`);
  await page.getByRole('button', { name: buyNow }).click();
  await page.locator('.ticket').waitFor();
  isQuiet(page);
  await who.context.close();
}

/** One of three is bought: three more are refused, two are not, and nobody is told that he has three. */
async function mayChooseFewer(context) {
  const { market, seller } = context;
  const product = await seller.product({ sale: { opensAt: new Date(Date.now() - 1000).toISOString(), perUserLimit: 3 } });
  const one = await buyer(market.url);
  await one.buy(product);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^409 /);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  for (let i = 0; i < 2; i += 1) await page.getByRole('button', { name: 'One more' }).click();
  await page.getByRole('button', { name: 'Buy now for ₩267,000' }).click();
  await page.getByText('More than you may have').waitFor();
  await page.getByText('3 per person').last().waitFor();
  assert.equal(await page.getByText('You have your').count(), 0);
  await page.getByRole('button', { name: 'One fewer' }).click();
  await page.getByRole('button', { name: 'Buy now for ₩178,000' }).click();
  await page.locator('.ticket').waitFor();
  isQuiet(page);
  await who.context.close();
}

/** Whoever confirms the address in the middle of a purchase can then buy, in the session of before. */
async function buysAfterConfirming(context) {
  const market = await Server.start(['--demo', '--data', path.join(context.folder, 'confirming'),
    '--set', 'ratelimit.enabled=false', '--set', 'users.email_verification=required']);
  try {
    const product = await (await admin(market.url)).product();
    const one = await buyer(market.url);
    const mails = async () => (await market.json('/dev/mail')).items.filter((each) => each.to === one.account.email);
    await until(async () => (await mails()).length > 0, 10);
    const [code] = /\d{6}/.exec((await mails())[0].text);
    const who = await visitor(context);
    const page = await who.tab();
    page.expected.push(/^403 /);
    await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
    await page.getByRole('button', { name: buyNow }).click();
    await page.getByRole('button', { name: 'Enter the code' }).click();
    await page.getByLabel('Code').fill(code);
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('button', { name: buyNow }).click();
    await page.locator('.ticket').waitFor();
    isQuiet(page);
    await who.context.close();
    await confirmsInAnotherTab(context, market, product);
  } finally {
    await market.stop();
  }
}

/** What one tab has confirmed, the others know. */
async function confirmsInAnotherTab(context, market, product) {
  const one = await buyer(market.url);
  const mails = async () => (await market.json('/dev/mail')).items.filter((each) => each.to === one.account.email);
  await until(async () => (await mails()).length > 0, 10);
  const [code] = /\d{6}/.exec((await mails())[0].text);
  const who = await visitor(context);
  const [page, other] = [await who.tab(), await who.tab()];
  page.expected.push(/^403 /);
  other.expected.push(/^429 /);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByRole('button', { name: buyNow }).click();
  await page.getByRole('button', { name: 'Enter the code' }).waitFor();
  await other.goto(`${market.url}/store/verify?to=/store/me`);
  await other.route('**/verification/resend', (route) => route.fulfill(problem(429, 'rate_limited', { 'Retry-After': '60' })));
  await other.getByRole('button', { name: 'Send it again' }).click();
  await other.getByRole('alert').getByText('A sentence for buyers').waitFor();
  await other.getByLabel('Code').fill(code);
  await other.getByRole('button', { name: 'Confirm', exact: true }).click();
  await other.waitForURL(`${market.url}/store/me`);
  await page.getByRole('button', { name: buyNow }).waitFor();
  for (const each of [page, other]) isQuiet(each);
  await who.context.close();
}

/** A seller is told what to do first, and then goes. */
async function endsNoAccountThatSells(context) {
  const { market, seller: chief } = context;
  const one = await buyer(market.url);
  await chief.send('PATCH', `/users/${one.user.id}`, { role: 'seller' });
  const product = await (await one.signIn()).product();
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^409 /);
  await signIn(page, market.url, one.account, 'en', '/store/me');
  await page.getByRole('button', { name: 'End the account' }).click();
  await page.getByRole('alertdialog').getByLabel('Current password').fill(one.account.password);
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByText('You have products for sale; withdraw them first').waitFor();
  await one.send('DELETE', `/products/${product.id}`);
  await page.getByRole('button', { name: 'End it' }).click();
  await page.waitForURL(`${market.url}/`);
  isQuiet(page);
  await who.context.close();
}

/** An order takes out of the cart what it has, and nothing that was put in meanwhile. */
async function anOrderTakesOnlyItsOwnOutOfTheCart(context) {
  const { market, seller } = context;
  const regular = { kind: 'regular', sale: null };
  const [bag, lamp] = [await seller.product({ name: 'Bag first', ...regular }), await seller.product({ name: 'Lamp then', ...regular })];
  const one = await buyer(market.url);
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  await page.route('**/api/v1/orders', async (route) => {
    await one.send('PUT', `/cart/items/${lamp.id}`, { quantity: 2 });
    return route.fallback();
  });
  await page.getByRole('button', { name: /^Order all for/ }).click();
  await page.waitForURL(/\/store\/orders\//);
  await until(async () => (await one.send('GET', '/cart')).items.length === 1, 5);
  assert.equal((await one.send('GET', '/cart')).items[0].productId, lamp.id);
  isQuiet(page);
  await who.context.close();
}

/** The session ends in the middle of an order of the cart: it is not said to be empty, and the order goes on. */
async function keepsTheCartWhenTheSessionEnds(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Still in it', kind: 'regular', sale: null });
  const one = await buyer(market.url);
  await one.send('PUT', `/cart/items/${product.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^401 /);
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  await page.route('**/api/v1/orders', async (route) => {
    await who.context.clearCookies();
    return route.fulfill(problem(401, 'unauthenticated'));
  }, { times: 1 });
  await page.getByRole('button', { name: /^Order all for/ }).click();
  await page.getByText('Sign in, and the same request goes on.').waitFor();
  assert.equal(await page.getByText('The cart is empty').count(), 0);
  await page.locator('main').getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(one.account.password);
  await page.locator('form button[type=submit]').click();
  await page.waitForURL(/\/store\/orders\//);
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

/** A buyer with an order, signed in on a page that bears requests without an answer. */
async function withAnOrder(context) {
  const one = await buyer(context.market.url);
  const order = await one.buy(await context.seller.product());
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/ERR_/);
  await signIn(page, context.market.url, one.account, 'en', '/');
  return { one, order, who, page };
}

/** The bank says no after a while: that is said. What was paid back is not returned once more. */
async function saysWhatBecameOfThePayment(context) {
  const { market } = context;
  const { order, who, page } = await withAnOrder(context);
  let now = { ...order, payment: { state: 'pending' } };
  await page.route('**/events', (route) => route.abort('connectionrefused')); // Polled instead.
  await page.route(/\/api\/v1\/orders\/\w+$/, (route) => route.fulfill({ json: now }));
  await page.goto(`${market.url}/store/orders/${order.id}`);
  await page.getByText('The bank has not answered yet').waitFor();
  now = { ...order, payment: { state: 'declined' } };
  await page.getByText('The card was declined').waitFor(seconds(15));
  await page.getByRole('button', { name: /^Pay / }).waitFor();
  now = { ...order, state: 'delivered', payment: { state: 'paid' } };
  await page.getByRole('button', { name: 'Return it' }).waitFor(seconds(15));
  for (const state of ['refunding', 'refunded']) {
    now = { ...order, state: 'delivered', payment: { state } };
    await page.getByText(state === 'refunding' ? 'Your money is on its way back' : 'Your money was paid back').waitFor(seconds(15));
    assert.equal(await page.getByRole('button', { name: 'Return it' }).count(), 0, state);
  }
  isQuiet(page);
  await who.context.close();
}

/** What was collected before signing in is not missing while it is handed over. */
async function handsTheCartOverAtSignIn(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Handed over', kind: 'regular', sale: null });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/store/products/${product.id}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByText('In the cart.').waitFor();
  await page.route('**/cart/merge', async (route) => {
    await new Promise((wake) => { setTimeout(wake, 1500); });
    return route.fallback();
  });
  await page.getByRole('link', { name: 'Cart' }).click();
  await page.getByRole('link', { name: 'Sign in to order' }).click();
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(one.account.password);
  await page.locator('form button[type=submit]').click();
  const first = await Promise.race([
    page.getByRole('button', { name: /^Order all for/ }).waitFor().then(() => 'the cart'),
    page.getByText('The cart is empty').waitFor().then(() => 'nothing', () => 'nothing'),
  ]);
  assert.equal(first, 'the cart');
  isQuiet(page);
  await who.context.close();
}

/** A deploy (or a moment without network) between the first page and the next one. */
async function survivesADeploy(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Across a deploy', kind: 'regular', sale: null });
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^404 /, /ERR_/, /dynamically imported|preload/);
  await page.goto(`${market.url}/?search=across`);
  await page.getByRole('link', { name: product.name }).waitFor();
  // The new binary has no file of the old one's names; whoever loads the page again gets the new names.
  let reloaded = false;
  await page.route(/\/web\/assets\/ProductPage/, (route) => (reloaded ? route.fallback() : route.fulfill({ status: 404, body: '' })));
  page.on('request', (request) => { if (request.isNavigationRequest()) reloaded = true; });
  await page.getByRole('link', { name: product.name }).click();
  await page.getByRole('button', { name: /Sign in to buy/ }).waitFor();
  assert.ok(reloaded);
  // Offline for a moment: the frame stays, and the page comes when the network does.
  let offline = true;
  await page.route(/./, (route) => (offline ? route.abort('internetdisconnected') : route.fallback()));
  await page.getByRole('link', { name: 'Cart' }).click();
  await page.getByText('We try again by ourselves').waitFor();
  await page.getByRole('navigation').waitFor();
  offline = false;
  await page.getByRole('heading', { name: 'Cart', level: 1 }).waitFor(seconds(15));
  isQuiet(page);
  await who.context.close();
}

/** What was withdrawn is not shown as a lost connection, and not for sale. */
async function saysThatAProductWasWithdrawn(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^404 /, /EventSource|MIME/);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByRole('button', { name: buyNow }).waitFor();
  await page.locator('.fresh.stream').waitFor();
  await seller.send('DELETE', `/products/${product.id}`);
  await page.getByText('It was withdrawn').waitFor();
  assert.equal(await page.title(), 'This product is not here · MARKET');
  await page.goto(`${market.url}/store/nowhere`);
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  assert.equal(await page.title(), 'There is nothing here · MARKET');
  isQuiet(page);
  await who.context.close();
}

/** The reader's clock is ten minutes ahead. Back from another tab, the page still knows the server's time. */
async function knowsTheTimeAfterSleep(context) {
  const { market, seller } = context;
  const opensAt = new Date(Date.now() + 300_000);
  const product = await seller.product({ sale: { opensAt: opensAt.toISOString() } });
  const who = await visitor(context, {
    before: () => {
      const real = Date.now.bind(Date);
      Date.now = () => real() + 600_000;
    },
  });
  const page = await who.tab();
  await page.goto(`${market.url}/store/products/${product.id}`);
  await page.getByText(/yours is 600\.\d s ahead/).waitFor();
  await page.route('**/api/v1/**', () => undefined); // Nobody tells the time now.
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.waitForTimeout(2500); // Two ticks of the countdown.
  assert.equal(await page.locator('.pill').first().innerText(), 'Opens soon');
  const minutes = Number(await page.locator('.countdown b').nth(1).innerText());
  assert.ok(minutes >= 3 && minutes <= 4, `${minutes} minutes are shown`);
  isQuiet(page);
  await who.context.close();
}

/** However many sales have ended, the next one is on top. */
async function announcesTheNextAfterManyEnded(context) {
  const folder = path.join(context.folder, 'ended');
  const market = await Server.start(['--data', folder, '--set', 'ratelimit.enabled=false']);
  try {
    const seller = await admin(market.url);
    const at = (ms) => new Date(Date.now() + ms).toISOString();
    for (let i = 0; i < 105; i += 1)
      await seller.product({ name: `Long over ${i}`, sale: { opensAt: at(-3_600_000 * (i + 2)), closesAt: at(-3_600_000 * (i + 1)) } });
    await seller.product({ name: 'The next one', sale: { opensAt: at(600_000) } });
    const who = await visitor(context);
    const page = await who.tab();
    await page.goto(market.url);
    await page.locator('.hero').getByRole('heading', { name: 'The next one' }).waitFor();
    await signIn(page, market.url, seller.account, 'en', '/admin').catch(() => undefined);
    await page.goto(`${market.url}/admin`);
    await page.getByRole('heading', { name: 'The next one' }).waitFor();
    assert.equal(await page.locator('.pick option').count(), 100);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.locator('.pick option', { hasText: /^Long over 0$/ }).waitFor({ state: 'attached' });
    assert.equal(await page.locator('.pick option').count(), 106);
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

/** Dollars of two countries are told apart. */
async function namesItsCurrencies(context) {
  const { market, seller } = context;
  const one = await buyer(market.url);
  for (const currency of ['USD', 'CAD', 'JPY', 'CNY']) {
    const product = await seller.product({ name: `In ${currency}`, kind: 'regular', sale: null, price: { amount: 1999, currency } });
    await one.send('PUT', `/cart/items/${product.id}`, { quantity: 1 });
  }
  for (const language of ['en', 'ko']) {
    const who = await visitor(context, { language });
    const page = await who.tab();
    await signIn(page, market.url, one.account, language, '/store/cart');
    await page.locator('.order-row').nth(3).waitFor();
    const prices = await page.locator('.order-row p').allInnerTexts();
    assert.equal(new Set(prices.map((each) => each.replace(/[\d.,\s]/g, ''))).size, 4, prices.join(' | '));
    isQuiet(page);
    await who.context.close();
  }
}

/** Who keeps the order after all keeps it: the cancel that got no answer is not sent again. */
async function keepsAnOrderAfterAll(context) {
  const { one, order, who, page } = await withAnOrder(context);
  await page.goto(`${context.market.url}/store/orders/${order.id}`);
  let [away, asked] = [true, 0];
  await page.route('**/cancel', (route) => {
    asked += 1;
    return away ? route.abort('connectionrefused') : route.fallback();
  });
  await page.getByRole('button', { name: 'Cancel order' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel order' }).click();
  await until(() => asked > 1, 10);
  await page.getByRole('button', { name: 'Keep it' }).click();
  away = false;
  const before = asked;
  await page.waitForTimeout(4000);
  assert.equal(asked, before);
  assert.equal((await one.send('GET', `/orders/${order.id}`)).state, 'accepted');
  isQuiet(page);
  await who.context.close();
}

/** The time to pay ends while the bank is asked: nobody knows yet what becomes of the units. */
async function doesNotCallAPaymentOverThatIsUnderWay(context) {
  const window = 12 * patience;
  const market = await Server.start(['--data', path.join(context.folder, 'late'), '--set', 'ratelimit.enabled=false',
    '--set', `orders.payment_window=${window}s`]);
  try {
    const product = await (await admin(market.url)).product();
    const one = await buyer(market.url);
    const who = await visitor(context, { language: 'ko' });
    const page = await who.tab();
    page.expected.push(/^409 /, /ERR_/);
    await signIn(page, market.url, one.account, 'ko', '/');
    const order = await one.buy(product);
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    let pressed = 0;
    await page.route('**/payment', async (route) => {
      pressed += 1;
      if (pressed === 1) return route.fulfill(problem(409, 'order_not_payable'));
      await held;
      return route.fulfill({ json: { ...order, state: 'paid', payment: { state: 'paid' } } });
    });
    await page.route('**/events', (route) => route.abort('connectionrefused')); // Nothing but the answer tells of a change.
    await page.route(/\/api\/v1\/orders\/\w+$/, (route) => route.fulfill({ json: order }));
    await page.goto(`${market.url}/store/orders/${order.id}`);
    await page.getByRole('button', { name: /결제하기$/ }).click();
    await page.getByText('A sentence for buyers').waitFor();
    await page.getByRole('button', { name: /결제하기$/ }).click();
    await page.getByText('결제하는 중').waitFor();
    await page.waitForTimeout(Math.max(0, Date.parse(order.payBy) - Date.now()) + 2000);
    assert.equal(await page.getByText('결제 시간이 끝났습니다').count(), 0);
    release();
    await page.locator('.pill.paid').waitFor();
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

/** On paper an order is dark on white, also of a page in the dark, and has no buttons. */
async function printsAnOrder(context) {
  const { market, seller } = context;
  const one = await buyer(market.url);
  const order = await one.buy(await seller.product({ name: 'On paper' }));
  const who = await visitor(context, { before: () => localStorage.setItem('market.theme', 'dark') });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/orders/${order.id}`);
  await page.getByRole('heading', { name: 'On paper' }).waitFor();
  await page.emulateMedia({ media: 'print' });
  const light = (channels) => channels.reduce((sum, each) => sum + each, 0) / 3;
  const ink = await page.locator('h1').evaluate((element) => getComputedStyle(element).color.match(/\d+/g).slice(0, 3).map(Number));
  assert.ok(light(ink) < 100, `the ink is ${ink}`);
  assert.equal(await page.locator('button:visible').count(), 0);
  isQuiet(page);
  await who.context.close();
}

/** The server is away: no page shows what it knew as if it were so now, and all go on when it is back. */
async function saysWhatIsOfBefore(context) {
  const options = ['--data', path.join(context.folder, 'away'), '--set', 'ratelimit.enabled=false'];
  let market = await Server.start(options);
  try {
    const seller = await admin(market.url);
    const [product, next] = [await seller.product(), await seller.product({ sale: { opensAt: new Date(Date.now() + 3_600_000).toISOString(), perUserLimit: 1 } })];
    const one = await buyer(market.url);
    const order = await one.buy(product);
    await one.send('PUT', `/cart/items/${product.id}`, { quantity: 1 });
    const [operator, shopper] = [await visitor(context), await visitor(context)];
    const open = async (who, account, ...places) => {
      const pages = [];
      for (const [place, seen] of places) {
        const page = await who.tab();
        page.expected.push(/ERR_/, /^50[23] /);
        if (pages.length === 0) await signIn(page, market.url, account, 'en', '/');
        await page.goto(market.url + place);
        await page.locator(seen).first().waitFor();
        pages.push(page);
      }
      return pages;
    };
    const [orders, products, services, board] = await open(operator, adminAccount, ['/admin/orders', 'tbody tr'], ['/admin/products', 'tbody tr'],
      ['/admin/services', '.pill.open'], [`/admin?sale=${next.id}`, '.checks']);
    const shop = await open(shopper, one.account, ['/store/cart', '.cart-row'], ['/store/orders', '.order-row'], [`/store/orders/${order.id}`, '.pay']);
    const verdict = await board.locator('.verdict').getAttribute('class');
    assert.notEqual(verdict, 'verdict bad');
    await market.kill();
    const silent = 'The shop does not answer. We try again by ourselves.';
    for (const page of [orders, products, ...shop]) await page.locator('.notice', { hasText: silent }).waitFor(seconds(30));
    await services.getByText('Not ready').waitFor(seconds(30));
    await board.locator('.verdict.bad').waitFor(seconds(30));
    market = await Server.start(options, market.address);
    for (const page of [orders, products, ...shop]) await page.locator('.notice', { hasText: silent }).waitFor({ state: 'detached', ...seconds(40) });
    await services.getByText('Not ready').waitFor({ state: 'detached', ...seconds(30) });
    for (const page of [orders, products, services, board, ...shop]) isQuiet(page);
    for (const who of [operator, shopper]) await who.context.close();
  } finally {
    await market.stop();
  }
}

await run([forgetsOneBuyerBeforeTheNext, keepsAccountsApart, buysWithoutStorage, saysNotHereOfNothingElse, aRefusalIsNotForEver, mayChooseFewer, buysAfterConfirming, endsNoAccountThatSells,
  anOrderTakesOnlyItsOwnOutOfTheCart, handsTheCartOverAtSignIn, keepsTheCartWhenTheSessionEnds, saysWhatBecameOfThePayment, survivesADeploy, saysThatAProductWasWithdrawn,
  knowsTheTimeAfterSleep, announcesTheNextAfterManyEnded, namesItsCurrencies, keepsAnOrderAfterAll, saysWhatIsOfBefore, doesNotCallAPaymentOverThatIsUnderWay, printsAnOrder], makeContext);
