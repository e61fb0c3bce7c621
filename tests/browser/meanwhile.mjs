// What changes while somebody looks on, in a real browser: another tab, another person, an opening, a session's end.
//
//   MARKET_BINARY=build/release/market node tests/browser/meanwhile.mjs [name…]
import assert from 'node:assert/strict';
import path from 'node:path';

import { buyer, password } from './api.mjs';
import { isQuiet, patience, run } from './browser.mjs';
import { adminAccount, Server, until } from './platform.mjs';
import { isAccessible, makeContext, seconds, signIn, visitor } from './visit.mjs';

const regular = { kind: 'regular', sale: null };
const buyNow = /^Buy now for/;
const focused = (page) => page.evaluate(() => document.activeElement.className);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** A purchase waits for its next try; meanwhile somebody else signs in: it is not made for him. */
async function aPurchaseStaysItsBuyers(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const [first, second] = [await buyer(market.url), await buyer(market.url)];
  const who = await visitor(context);
  const [page, other] = [await who.tab(), await who.tab()];
  page.expected.push(/^50[03] /, /^401 /);
  await signIn(page, market.url, first.account, 'en', `/store/products/${product.id}`);
  let asked = 0;
  await page.route('**/api/v1/orders', (route) => {
    asked += 1;
    return asked > 1 ? route.fallback() : route.fulfill({
      status: 503, headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '4' },
      body: JSON.stringify({ type: 'about:blank', title: 'busy', status: 503, detail: '', code: 'overloaded', traceId: '0' }),
    });
  });
  await page.getByRole('button', { name: buyNow }).click();
  await until(() => asked === 1, 10);
  await other.goto(`${market.url}/store/me`);
  await other.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signIn(other, market.url, second.account, 'en', '/');
  await pause(6000);
  assert.deepEqual([await first.orders(), await second.orders()].map((each) => each.length), [0, 0]);
  // A page that has not heard of it: the server looks whose cookie it is.
  const code = await other.evaluate(async ([buyerId, productId]) => {
    const answer = await fetch('/api/v1/orders', {
      method: 'POST', body: JSON.stringify({ items: [{ productId, quantity: 1 }] }),
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'another', 'Market-User': buyerId },
    });
    return (await answer.json()).code;
  }, [first.user.id, product.id]);
  assert.equal(code, 'unauthenticated');
  // It goes on as soon as its own buyer is back.
  await other.goto(`${market.url}/store/me`);
  await other.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signIn(other, market.url, first.account, 'en', '/');
  await page.locator('.ticket').waitFor();
  assert.deepEqual([await first.orders(), await second.orders()].map((each) => each.length), [1, 0]);
  isQuiet(page);
  await who.context.close();
}

/** Somebody else signs in beside a page that cannot ask who it is: what is typed there is not saved as his. */
async function aFormStaysItsUsers(context) {
  const { market } = context;
  const [first, second] = [await buyer(market.url), await buyer(market.url)];
  await second.send('PATCH', '/users/me', { address: 'his street 1' });
  const who = await visitor(context);
  const [page, other] = [await who.tab(), await who.tab()];
  page.expected.push(/^503 /, /^401 /);
  await signIn(page, market.url, first.account, 'en', '/store/me');
  let busy = true;
  await page.route('**/api/v1/users/me', (route) => (busy && route.request().method() === 'GET' ? route.fulfill({
    status: 503, headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '1' },
    body: JSON.stringify({ type: 'about:blank', title: 'busy', status: 503, detail: '', code: 'overloaded', traceId: '0' }),
  }) : route.fallback()));
  await signIn(other, market.url, second.account, 'en', '/');
  await page.getByLabel('Address').fill('my street 7');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.notice.bad').waitFor();
  const addresses = async () => Promise.all([first, second].map(async (each) => (await each.send('GET', '/users/me')).address));
  assert.deepEqual(await addresses(), [null, 'his street 1']);
  // As soon as it may ask, it shows the other one, and nothing that was typed here before.
  busy = false;
  await page.locator('main p.muted', { hasText: second.account.email }).waitFor();
  assert.equal(await page.getByLabel('Address').inputValue(), 'his street 1');
  isQuiet(page);
  await who.context.close();
}

/** After an order of the cart the same things are put in again, and stay. */
async function aCartIsOrderedAgain(context) {
  const { market, seller } = context;
  const [bag, lamp] = [await seller.product({ name: 'Bag again', ...regular }), await seller.product({ name: 'Lamp again', ...regular })];
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  for (let round = 1; round <= 2; round += 1) {
    await page.getByRole('button', { name: /^Order all for/ }).click();
    await page.waitForURL(/\/store\/orders\/./);
    await until(async () => (await one.send('GET', '/cart')).items.length === 0, 5);
    assert.equal((await one.orders()).length, round);
    await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 2 });
    await one.send('PUT', `/cart/items/${lamp.id}`, { quantity: 3 });
    await page.getByRole('navigation').getByRole('link', { name: 'Cart' }).click();
    await page.getByRole('link', { name: bag.name }).waitFor();
    await pause(1000);
    assert.equal(page.url(), `${market.url}/store/cart`);
    assert.equal((await one.send('GET', '/cart')).items.length, 2);
  }
  // The row that is taken out had the focus: it stays in the list.
  await page.getByRole('button', { name: /Remove.*Bag again/ }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: bag.name }).waitFor({ state: 'detached' });
  assert.equal(await focused(page), 'order-list');
  isQuiet(page);
  await who.context.close();
}

/** The answer comes when another page is open: what is put into the cart after it is not of that order. */
async function aCartIsLeftWhileItIsOrdered(context) {
  const { market, seller } = context;
  const bag = await seller.product({ name: 'Bag left', ...regular });
  const one = await buyer(market.url);
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  let answer;
  const left = new Promise((done) => { answer = done; });
  await page.route('**/api/v1/orders', async (route) => { await left; return route.fallback(); }, { times: 1 });
  await page.getByRole('button', { name: /^Order all for/ }).click();
  await page.locator('.buy-button[aria-busy]').waitFor();
  await page.locator('header a').first().click();
  await page.getByRole('searchbox').waitFor();
  answer();
  await until(async () => (await one.send('GET', '/cart')).items.length === 0, 10);
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 2 });
  await page.getByRole('navigation').getByRole('link', { name: 'Cart' }).click();
  await page.waitForURL(/\/store\/orders\/./);
  await page.getByRole('navigation').getByRole('link', { name: 'Cart' }).click();
  await page.getByRole('link', { name: bag.name }).waitFor();
  await pause(500);
  assert.deepEqual((await one.send('GET', '/cart')).items.map((each) => each.quantity), [2]);
  isQuiet(page);
  await who.context.close();
}

/** A quantity is typed and its row then removed, on a slow line: it stays removed, also where a press takes no focus. */
async function whatIsRemovedStaysRemoved(context) {
  const { market, seller } = context;
  const bag = await seller.product({ name: 'Bag typed', ...regular });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/');
  const sent = [];
  await page.route('**/cart/items/**', async (route) => {
    sent.push(route.request().method());
    await pause(800);
    return route.fallback();
  });
  for (const press of [(button) => button.click(), (button) => button.evaluate((each) => each.click())]) {
    await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
    await page.goto(`${market.url}/store/cart`);
    await page.getByLabel(`Quantity: ${bag.name}`).fill('3');
    await press(page.getByRole('button', { name: `Remove ${bag.name}` }));
    await page.locator('.cart-row').waitFor({ state: 'detached' });
    await pause(2000);
    assert.deepEqual((await one.send('GET', '/cart')).items, [], sent.join());
  }
  assert.deepEqual(sent, ['PUT', 'DELETE', 'DELETE']);
  // Leaving the field and resting are one change, and the last number counts.
  sent.length = 0;
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  await page.goto(`${market.url}/store/cart`);
  for (const text of ['3', '1']) {
    await page.getByLabel(`Quantity: ${bag.name}`).fill(text);
    await page.getByLabel(`Quantity: ${bag.name}`).blur();
  }
  await page.getByRole('button', { name: /^Order all for/ }).and(page.locator(':not([aria-busy])')).waitFor();
  assert.deepEqual((await one.send('GET', '/cart')).items.map((each) => each.quantity), [1]);
  assert.deepEqual(sent, ['PUT', 'PUT']);
  isQuiet(page);
  await who.context.close();
}

/** Put into the cart on one visit, signed in on the next, which begins on the first page: the cart has it. */
async function whatWasCollectedIsThereOnTheNextVisit(context) {
  const { market, seller } = context;
  const bag = await seller.product({ name: 'Bag kept', ...regular });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/store/products/${bag.id}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByText('In the cart.').waitFor();
  await signIn(page, market.url, one.account, 'en', '/');
  await page.getByRole('navigation').getByRole('link', { name: 'Cart' }).click();
  await page.locator('.cart-row', { hasText: bag.name }).waitFor();
  assert.equal((await one.send('GET', '/cart')).items.length, 1);
  isQuiet(page);
  await who.context.close();
}

/** What a full cart does not take waits, and says so, until there is room; nothing is pushed out. */
async function aFullCartLosesNothing(context) {
  const { market, seller } = context;
  const names = Array.from({ length: 22 }, (_, at) => `Much ${at + 1}`);
  const products = [];
  for (const name of names) products.push(await seller.product({ name, ...regular }));
  const one = await buyer(market.url);
  for (const { id } of products.slice(0, 19)) await one.send('PUT', `/cart/items/${id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(market.url);
  const rest = products.slice(1, 21).map(({ id }) => ({ productId: id, quantity: 1 }));
  await page.evaluate((lines) => localStorage.setItem('market.cart', JSON.stringify(lines)), rest);
  await page.goto(`${market.url}/store/products/${products[21].id}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByText('The cart is full').waitFor();
  await page.goto(`${market.url}/store/cart`);
  await page.getByLabel(`Quantity: ${names[1]}`, { exact: true }).fill('2');
  await page.waitForFunction(() => localStorage.getItem('market.cart').includes('"quantity":2'));
  assert.match(await page.locator('.cart-row').first().innerText(), /Much 2/);
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  await page.getByText('Waiting in this browser until there is room: 1.').waitFor();
  assert.equal(await page.locator('.cart-row').count(), 20);
  await isAccessible(page);
  await page.getByRole('button', { name: `Remove ${names[0]}`, exact: true }).click();
  await page.getByText('Waiting in this browser').waitFor({ state: 'detached' });
  const inside = (await one.send('GET', '/cart')).items.map((each) => each.name).sort();
  assert.deepEqual(inside, names.slice(1, 21).sort());
  isQuiet(page);
  await who.context.close();
}

/** An answer that was on its way before the payment comes after it: the order stays paid. */
async function aPaidOrderStaysPaid(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const order = await one.buy(product);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/\/events: net::ERR_FAILED$/);
  await page.route('**/events', (route) => route.abort());
  await signIn(page, market.url, one.account, 'en', `/store/orders/${order.id}`);
  await page.getByRole('button', { name: /^Pay ₩/ }).waitFor();
  let held = 0;
  let answer;
  const paid = new Promise((done) => { answer = done; });
  await page.route(`**/orders/${order.id}`, async (route) => {
    const response = await route.fetch();
    held += 1;
    await paid;
    return route.fulfill({ response });
  }, { times: 1 });
  await until(() => held === 1, 15);
  await page.getByRole('button', { name: /^Pay ₩/ }).click();
  await page.getByText('Paid. Thank you.').waitFor();
  const late = page.waitForResponse(`**/orders/${order.id}`);
  answer();
  await late;
  await pause(300);
  assert.equal(await page.getByRole('button', { name: /^Pay ₩/ }).count(), 0);
  isQuiet(page);
  await who.context.close();
}

/** Two tabs show a profile: what one saves, the other shows, and does not take back. */
async function aProfileIsSavedInTwoTabs(context) {
  const { market } = context;
  const one = await buyer(market.url);
  await one.send('PATCH', '/users/me', { address: 'old street 1', phone: '010-1' });
  const who = await visitor(context);
  const [page, other] = [await who.tab(), await who.tab()];
  for (const each of [page, other]) await signIn(each, market.url, one.account, 'en', '/store/me');
  await page.getByLabel('Phone').fill('010-2');
  await other.getByLabel('Address').fill('new street 2');
  await other.getByRole('button', { name: 'Save' }).click();
  await other.getByText('Saved.').waitFor();
  await until(async () => await page.getByLabel('Address').inputValue() === 'new street 2', 10);
  assert.equal(await page.getByLabel('Phone').inputValue(), '010-2');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { phone, address } = await one.send('GET', '/users/me');
  assert.deepEqual([phone, address], ['010-2', 'new street 2']);
  isQuiet(page);
  await who.context.close();
}

/** Letters that are typed while the list is looked for stay, and so does what is chosen meanwhile. */
async function aSearchLosesNothing(context) {
  const { market, seller } = context;
  for (let i = 0; i < 20; i += 1) await seller.product({ name: `Filler ${i}`, ...regular });
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(market.url);
  const box = page.getByRole('searchbox');
  await box.waitFor();
  const client = await page.context().newCDPSession(page);
  await client.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  for (let gap = 280; gap <= 400; gap += 30) {
    await box.fill('');
    await pause(800);
    await box.pressSequentially('fill', { delay: 20 });
    await pause(gap);
    await box.pressSequentially('er 1', { delay: 20 });
    await page.waitForURL(/search=filler(\+|%20)1$/);
    assert.equal(await box.inputValue(), 'filler 1', `after ${gap} ms`);
  }
  await client.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await page.locator('.filters .button').click();
  await page.waitForURL(`${market.url}/`);
  await until(async () => await box.inputValue() === '', 5);
  await box.pressSequentially('Filler');
  await page.locator('.segments button').nth(2).click();
  await page.waitForURL(/search=Filler/);
  assert.equal(new URL(page.url()).searchParams.get('kind'), 'regular');
  isQuiet(page);
  await who.context.close();
}

/** What is sold out is not on sale on the first page for as long as that is open. */
async function cardsAreReadAgain(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Gone soon', stock: 1 });
  const who = await visitor(context, { before: () => {
    const later = window.setTimeout; // Half a minute is three seconds here.
    window.setTimeout = (work, ms, ...more) => later(work, ms === 30_000 ? 3000 : ms, ...more);
    const often = window.setInterval;
    window.setInterval = (work, ms, ...more) => often(work, ms === 30_000 ? 3000 : ms, ...more);
  } });
  const page = await who.tab();
  await page.goto(market.url);
  const card = page.locator('.card', { hasText: product.name });
  await card.getByText('On sale').waitFor();
  await (await buyer(market.url)).buy(product);
  await card.getByText('Sold out').waitFor(seconds(10));
  isQuiet(page);
  await who.context.close();
}

/** A page that is open goes by what the sale has become, and not by the times that it was loaded with. */
async function followsASaleThatIsMoved(context) {
  const { market, seller } = context;
  const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
  const who = await visitor(context, { before: () => {
    const later = window.setTimeout; // The reading every half a minute does not help here.
    window.setTimeout = (work, ms, ...more) => later(work, ms === 30_000 ? 3_600_000 : ms, ...more);
    const often = window.setInterval;
    window.setInterval = (work, ms, ...more) => often(work, ms === 30_000 ? 3_600_000 : ms, ...more);
  } });
  const page = await who.tab();
  const pill = (text) => page.locator('.hero-line .pill', { hasText: text }).waitFor(seconds(15));
  const extended = await seller.product({ sale: { opensAt: at(-60), closesAt: at(4 * patience) } });
  await signIn(page, market.url, (await buyer(market.url)).account, 'en', `/store/products/${extended.id}`);
  await pill('On sale');
  await pill('Sale ended');
  await seller.send('POST', `/admin/products/${extended.id}/sale/extend`, { closesAt: null });
  await page.getByRole('button', { name: buyNow }).waitFor();
  await page.locator('.facts').getByText(/^Ended/).waitFor({ state: 'detached' });
  await seller.send('PATCH', `/products/${extended.id}`, { sale: { ...extended.sale, state: undefined, closesAt: at(0) } }, { 'If-Match': '*' });
  await pill('Sale ended');
  await page.locator('.facts').getByText(/^Ended/).waitFor();
  const opensAt = Date.now() + 6000 * patience;
  const late = await seller.product({ sale: { opensAt: new Date(opensAt).toISOString() } });
  await page.goto(`${market.url}/store/products/${late.id}`);
  await page.locator('.fresh.stream').waitFor();
  await seller.send('PATCH', `/products/${late.id}`, { sale: { ...late.sale, state: undefined, opensAt: at(86_400) } }, { 'If-Match': '*' });
  await pause(Math.max(0, opensAt - Date.now()) + 4000);
  assert.equal(await page.locator('.hero-line .pill').innerText(), 'Opens soon');
  assert.ok(await page.getByRole('button', { name: /^Opens at/ }).isDisabled());
  isQuiet(page);
  await who.context.close();
}

/** Who is signed in is sent to no form while the page still asks who it is; one that he finds makes way. */
async function asksNobodyToSignInTwice(context) {
  const { market, seller } = context;
  const product = await seller.product(regular);
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, (await buyer(market.url)).account, 'en', '/');
  let known = () => undefined;
  const isKnown = () => new Promise((done) => { known = done; });
  let waits = isKnown();
  await page.route('**/users/me', async (route) => { await waits; return route.fallback(); });
  await page.goto(`${market.url}/store/products/${product.id}`);
  assert.ok(await page.getByRole('button', { name: 'Remember it' }).isDisabled());
  known();
  await page.getByRole('button', { name: 'Remember it' }).click();
  await page.getByRole('button', { name: 'On the wish list' }).waitFor();
  for (const form of ['Sign in', 'Create account']) {
    waits = isKnown();
    await page.reload();
    await page.locator('.account').click();
    await page.getByRole('menuitem', { name: form }).click();
    await page.getByLabel('Password').waitFor();
    known();
    await page.waitForURL(`${market.url}/`);
    await page.goBack();
  }
  isQuiet(page);
  await who.context.close();
}

/** The keyboard's focus stays where the ticket, and the paid order, take the button's place. */
async function theFocusStaysWhereItWas(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByRole('button', { name: buyNow }).focus();
  await page.keyboard.press('Enter');
  await page.locator('.ticket').waitFor();
  assert.equal(await focused(page), 'bought');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Pay ₩/ }).focus();
  await page.keyboard.press('Enter');
  await page.locator('.history').getByText('Paid').waitFor();
  assert.equal(await focused(page), 'paying');
  await page.reload();
  await page.locator('.history').getByText('Paid').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement === document.body), true, 'a page that is opened takes no focus');
  isQuiet(page);
  await who.context.close();
}

/** A shop that confirms no addresses sends no code, and asks for none. */
async function asksForNoCodeThatWasNotSent(context) {
  const market = await Server.start(['--data', path.join(context.folder, 'unconfirmed'), '--set', 'users.email_verification=off']);
  try {
    const who = await visitor(context);
    const page = await who.tab();
    await page.goto(`${market.url}/store/sign-up?to=/store/orders`);
    await page.getByLabel('Name').fill('Kim');
    await page.getByLabel('E-mail').fill(`off-${Date.now()}@example.com`);
    await page.getByLabel('Password').fill(password);
    await page.locator('form button[type=submit]').click();
    await page.waitForURL(`${market.url}/store/orders`);
    await page.goto(`${market.url}/store/verify?to=/store/me`);
    await page.waitForURL(`${market.url}/store/me`);
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

/** The access token ends in the middle of a sale: it is renewed, and the board shows its numbers all the time. */
async function theBoardOutlivesAToken(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^401 /);
  await signIn(page, market.url, adminAccount, 'en', '/');
  await page.goto(`${market.url}/admin?sale=${product.id}`);
  const figures = page.locator('.figures.eight .figure');
  await figures.nth(7).waitFor();
  let read = 0;
  page.on('response', (answer) => { if (answer.url().endsWith('/admin/metrics') && answer.ok()) read += 1; });
  await who.context.clearCookies({ name: 'market_access' });
  const before = read;
  for (const end = Date.now() + 4000 * patience; Date.now() < end && read < before + 3; await pause(50))
    assert.equal(await figures.count(), 8);
  assert.ok(read >= before + 3, 'the numbers are read again');
  isQuiet(page);
  await who.context.close();
}

await run([aPurchaseStaysItsBuyers, aFormStaysItsUsers, aCartIsOrderedAgain, aCartIsLeftWhileItIsOrdered,
  whatIsRemovedStaysRemoved, whatWasCollectedIsThereOnTheNextVisit, aFullCartLosesNothing, aPaidOrderStaysPaid,
  aProfileIsSavedInTwoTabs, aSearchLosesNothing, cardsAreReadAgain, followsASaleThatIsMoved, asksNobodyToSignInTwice,
  theFocusStaysWhereItWas, asksForNoCodeThatWasNotSent, theBoardOutlivesAToken], makeContext);
