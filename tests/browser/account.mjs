// The shop's other pages in a real browser: cart, account, returns, search; and how fast it is there.
//
//   MARKET_BINARY=build/release/market node tests/browser/account.mjs [name…]
//   BROWSER_SHOTS=FOLDER keeps pictures
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';

import { admin, buyer, password } from './api.mjs';
import { fitsTheWidth, isQuiet, narrow, patience, phone, picture, run } from './browser.mjs';
import { Server, until } from './platform.mjs';
import { isAccessible, makeContext, seconds, signIn, visitor } from './visit.mjs';

const button = (page) => page.locator('.buy-button');

/** Collected before signing in, ordered after it. */
async function collectsInACartAndRemembers(context) {
  const { market, seller } = context;
  const regular = { kind: 'regular', sale: null, stock: 9 };
  const [bag, lamp] = [await seller.product({ name: 'Canvas bag', ...regular }), await seller.product({ name: 'Desk lamp', ...regular })];
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  for (const product of [bag, lamp]) {
    await page.goto(`${market.url}/store/products/${product.id}`);
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByText('In the cart.').waitFor();
  }
  await page.getByRole('link', { name: 'Cart' }).click();
  await page.locator('.order-row').nth(1).waitFor();
  await isAccessible(page);
  await page.getByRole('link', { name: 'Sign in to order' }).click();
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(one.account.password);
  await page.locator('form button[type=submit]').click();
  await page.getByRole('button', { name: 'Order all for ₩178,000' }).waitFor();
  await page.getByLabel('Quantity: Canvas bag').fill('10');
  await page.getByText('Only 9 left').waitFor();
  assert.ok(await button(page).isDisabled());
  await page.getByLabel('Quantity: Canvas bag').fill('2');
  await page.getByRole('button', { name: 'Order all for ₩267,000' }).waitFor();
  await fitsTheWidth(page);
  await isAccessible(page);
  await picture(page, 'shop-cart');
  await button(page).click();
  await page.waitForURL(/\/store\/orders\//);
  await page.getByText('2 × ₩89,000').waitFor();
  await page.goto(`${market.url}/store/cart`);
  await page.getByRole('heading', { name: 'The cart is empty' }).waitFor();
  await page.goto(`${market.url}/store/products/${lamp.id}`);
  await page.getByRole('button', { name: 'Remember it' }).click();
  await page.getByRole('button', { name: 'On the wish list' }).waitFor();
  await page.goto(`${market.url}/store/wishes`);
  await page.getByRole('link', { name: 'Desk lamp' }).waitFor();
  await isAccessible(page);
  isQuiet(page);
  await who.context.close();
}

/** What does not fit the first page of a list is on the next, which the list offers; a product's page knows of all. */
async function showsAllOfLongLists(context) {
  const market = await Server.start(['--data', path.join(context.folder, 'long'), '--set', 'ratelimit.enabled=false']);
  try {
    const seller = await admin(market.url);
    const one = await buyer(market.url);
    const products = [];
    for (let i = 0; i < 101; i += 1) {
      const product = await seller.product({ name: `Wished ${i}`, category: `kind ${String(i % 21).padStart(2, '0')}`, kind: 'regular', sale: null });
      await one.send('PUT', `/wishlist/${product.id}`);
      products.push(product);
    }
    const who = await visitor(context, { viewport: phone });
    const page = await who.tab();
    const more = page.locator('.more').getByRole('button', { name: 'Show more' });
    await signIn(page, market.url, one.account, 'en', '/store/wishes');
    for (const shown of [24, 48, 72, 96]) {
      await until(async () => await page.locator('.card').count() === shown, 10);
      if (shown === 24) await isAccessible(page);
      await more.click();
    }
    await page.getByRole('link', { name: 'Wished 0', exact: true }).waitFor();
    assert.equal(await page.locator('.card').count(), 101);
    assert.equal(await more.count(), 0);
    await fitsTheWidth(page);
    await page.goto(`${market.url}/store/products/${products[0].id}`);
    await page.getByRole('button', { name: 'On the wish list' }).waitFor();
    await page.goto(market.url);
    const last = page.getByRole('button', { name: 'kind 20' });
    await page.getByRole('button', { name: 'kind 19' }).waitFor();
    assert.equal(await last.count(), 0);
    const categories = page.getByRole('group', { name: 'Categories' });
    await categories.getByRole('button', { name: 'Show more' }).click();
    await last.waitFor();
    assert.equal(await categories.getByRole('button', { name: 'Show more' }).count(), 0);
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

/** While the server is away every press says that it did not work, and none is a complaint in the console. */
async function saysThatAPressDidNotWork(context) {
  const { market, seller } = context;
  const product = await seller.product({ kind: 'regular', sale: null, stock: 900 });
  const one = await buyer(market.url);
  await one.send('PUT', `/cart/items/${product.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  const isTold = async (work) => {
    await work();
    await page.getByRole('alert').getByText('That did not work').waitFor();
    await page.getByRole('alert').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
  };
  page.expected.push(/ERR_/);
  await page.getByRole('button', { name: 'Remember it' }).waitFor();
  await page.route(/\/api\/v1\/(wishlist|cart\/|sessions|users)/, (route) => route.abort('connectionrefused'));
  await page.route('**/api/v1/cart', (route) => route.abort('connectionrefused'));
  await isTold(() => page.getByRole('button', { name: 'Remember it' }).click());
  await isTold(() => page.getByRole('button', { name: 'Add to cart' }).click());
  await isTold(async () => {
    await page.locator('.account').click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
  });
  await page.locator('.account').click();
  await page.getByRole('menuitem', { name: 'My page' }).click();
  for (const name of ['Sign out', 'Sign out everywhere', 'Download'])
    await isTold(() => page.getByRole('button', { name, exact: true }).click());
  await page.unroute('**/api/v1/cart');
  await page.getByRole('link', { name: 'Cart' }).click();
  const count = page.getByLabel(`Quantity: ${product.name}`);
  await isTold(() => count.fill('7'));
  assert.equal(await count.inputValue(), '1', 'what did not work is not shown as if it had');
  await isTold(() => page.getByRole('button', { name: /^Take out|^Remove/ }).click());
  await isAccessible(page);
  isQuiet(page);
  await who.context.close();
}

/** Each digit counts, however slow the answers are. */
async function takesANumberThatIsTyped(context) {
  const { market, seller } = context;
  const product = await seller.product({ kind: 'regular', sale: null, stock: 900 });
  const one = await buyer(market.url);
  await one.send('PUT', `/cart/items/${product.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  let changes = 0;
  await page.route('**/api/v1/cart/items/**', async (route) => {
    changes += 1;
    await new Promise((wake) => { setTimeout(wake, 500); });
    await route.continue();
  });
  const count = page.getByLabel(`Quantity: ${product.name}`);
  await count.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.type('123', { delay: 40 });
  assert.equal(await count.inputValue(), '123');
  await page.getByRole('button', { name: 'Order all for ₩10,947,000' }).waitFor();
  assert.equal(changes, 1);
  await count.fill('');
  await count.blur();
  assert.equal(await count.inputValue(), '123', 'nothing is not a number');
  isQuiet(page);
  await who.context.close();
}

/** What is ordered is what was typed last, however soon the button is pressed; and nothing that is being taken out. */
async function ordersWhatWasTyped(context) {
  const { market, seller } = context;
  const regular = { kind: 'regular', sale: null, stock: 900 };
  const [bag, lamp] = [await seller.product({ name: 'Typed bag', ...regular }), await seller.product({ name: 'Removed lamp', ...regular })];
  const one = await buyer(market.url);
  for (const each of [bag, lamp]) await one.send('PUT', `/cart/items/${each.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  await page.getByRole('button', { name: 'Order all for ₩178,000' }).waitFor();
  await page.route('**/api/v1/cart/items/**', async (route) => {
    await new Promise((wake) => { setTimeout(wake, 500); });
    await route.continue();
  });
  await page.getByLabel('Quantity: Typed bag').fill('5');
  await button(page).click({ force: true });
  await page.waitForTimeout(200);
  assert.equal((await one.orders()).length, 0, 'what is shown is not what was typed');
  await page.getByRole('button', { name: 'Order all for ₩534,000' }).waitFor();
  await page.getByRole('button', { name: 'Remove Removed lamp' }).click();
  await button(page).click({ force: true });
  await page.getByRole('button', { name: 'Order all for ₩445,000' }).click();
  await page.waitForURL(/\/store\/orders\//);
  const orders = await one.orders();
  assert.deepEqual(orders.map(({ items }) => items.map(({ quantity }) => quantity)), [[5]]);
  isQuiet(page);
  await who.context.close();
}

/** Prices of several currencies come one behind the other, and no order has two of them: both are said, with a way on. */
async function asksWhichCurrency(context) {
  const { market, seller } = context;
  const regular = { kind: 'regular', sale: null, stock: 9 };
  const won = await seller.product({ name: 'In won', ...regular });
  const dollar = await seller.product({ name: 'In dollars', ...regular, price: { amount: 1999, currency: 'USD' } });
  const one = await buyer(market.url);
  for (const each of [won, dollar]) await one.send('PUT', `/cart/items/${each.id}`, { quantity: 1 });
  const who = await visitor(context, { viewport: phone });
  const page = await who.tab();
  page.expected.push(/^422 /);
  await page.goto(`${market.url}/`);
  await page.getByLabel('Sort').selectOption('price');
  await page.getByText('Prices are compared within one currency.').waitFor();
  await isAccessible(page);
  await page.getByRole('button', { name: 'USD' }).click();
  await until(async () => await page.locator('.card').count() === 1, 10); // Until the answer is there the list before stays.
  await page.locator('.card').getByText('In dollars').waitFor();
  await page.getByRole('button', { name: 'USD', pressed: true }).click();
  await page.getByText('Prices are compared within one currency.').waitFor();
  await page.goto(`${market.url}/?kind=nonsense`);
  await page.getByText('Please check what you entered').waitFor();
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  await page.getByText('An order has one currency.').waitFor();
  await page.getByRole('button', { name: 'Order all', exact: true }).waitFor();
  await fitsTheWidth(page);
  await page.getByRole('button', { name: /In dollars/ }).click();
  await page.getByRole('button', { name: 'Order all for ₩89,000' }).waitFor();
  isQuiet(page);
  await seller.send('DELETE', `/products/${dollar.id}`);
  await who.context.close();
}

/** What is wrong with a field is said in the page's language. */
async function saysWhatIsWrongInTheReadersLanguage(context) {
  const who = await visitor(context, { language: 'ko' });
  const page = await who.tab();
  page.expected.push(/^422 /);
  await page.goto(`${context.market.url}/store/sign-up`);
  await page.getByLabel('이메일').fill('nobody');
  await page.getByLabel('비밀번호').fill('short');
  await page.locator('form button[type=submit]').click();
  await page.locator('.wrong').getByText('10자 이상 입력해 주세요').waitFor();
  for (const text of await page.locator('.wrong').allInnerTexts()) assert.doesNotMatch(text, /[a-z]/, text);
  await page.goto(`${context.market.url}/store/verify`); // Nobody's address to confirm.
  await page.getByRole('heading', { name: '로그인' }).waitFor();
  isQuiet(page);
  await who.context.close();
}

/** Days pass by the operator's hand; the page follows each of them by itself. */
async function returnsWhatWasDelivered(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Comes back' });
  const one = await buyer(market.url);
  const order = await one.buy(product);
  await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
  const who = await visitor(context, { viewport: phone, language: 'ko', scheme: 'dark' });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'ko', `/store/orders/${order.id}`);
  const advance = (state) => seller.send('POST', `/admin/orders/${order.id}/advance`, { state });
  for (const [state, word] of [['preparing', '포장 중'], ['shipped', '배송 중'], ['delivered', '배송 완료']]) {
    await advance(state);
    await page.locator('.history').getByText(word).first().waitFor();
  }
  await page.getByRole('button', { name: '반품하기' }).click();
  const send = page.getByRole('alertdialog').getByRole('button').last();
  assert.ok(await send.isDisabled(), 'a return needs a reason');
  await isAccessible(page);
  await page.getByRole('alertdialog').getByRole('textbox').fill('크기가 맞지 않아요 <b>');
  await send.click();
  await page.locator('.history li').nth(5).waitFor();
  assert.equal((await one.send('GET', `/orders/${order.id}`)).state, 'return_requested');
  await advance('returned');
  await page.getByText('환불했습니다').waitFor(seconds(15));
  await fitsTheWidth(page);
  await isAccessible(page);
  await picture(page, 'shop-returned');
  isQuiet(page);
  await who.context.close();
}

/** Confirming the address, changing the profile and the password, other devices, and the end of the account. */
async function keepsAnAccount(context) {
  const { market } = context;
  const who = await visitor(context);
  const page = await who.tab();
  const email = `account-${Date.now()}@example.com`;
  const another = 'another passphrase of the tests';
  await page.goto(`${market.url}/store/sign-up?to=/store/me`);
  await page.getByLabel('Name').fill('Kim');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill('short');
  page.expected.push(/^4(00|01|03|22) /);
  await page.locator('form button[type=submit]').click();
  await page.locator('.wrong').waitFor();
  await page.getByLabel('Password').fill(password);
  await page.locator('form button[type=submit]').click();
  await page.getByRole('heading', { name: 'Confirm your e-mail' }).waitFor();
  await isAccessible(page);
  await page.getByLabel('Code').fill('000000');
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('The code is wrong or too old.').waitFor();
  await page.getByRole('button', { name: 'Send it again' }).click();
  await page.getByText('Sent.').waitFor();
  await page.getByRole('link', { name: 'Later' }).click();
  await page.getByText('not confirmed').waitFor();
  await page.getByLabel('Phone').fill('010-1234-5678');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();

  // A second device, which the change of the password signs out.
  const second = await visitor(context, { language: 'ko', viewport: phone });
  const there = await second.tab();
  await signIn(there, market.url, { email, password }, 'ko', '/store/me');
  await page.reload();
  await page.locator('.device').nth(1).waitFor();
  await page.getByLabel('Current password').fill(password);
  await page.getByLabel('New password').fill(another);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Changed. Other devices are signed out.').waitFor();
  await page.locator('.device').nth(1).waitFor({ state: 'detached' });
  there.expected.push(/^401 /);
  await there.reload();
  await there.getByLabel('이메일').waitFor(seconds(15));
  await fitsTheWidth(there);
  isQuiet(there);
  await second.context.close();

  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  assert.match(readFileSync(await file.path(), 'utf8'), new RegExp(email));
  await page.getByRole('button', { name: 'End the account' }).click();
  await isAccessible(page);
  await page.getByRole('alertdialog').getByLabel('Current password').fill('not this one at all');
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByText('The current password is wrong.').waitFor();
  await page.getByRole('alertdialog').getByLabel('Current password').fill(another);
  await page.getByRole('button', { name: 'End it' }).click();
  await page.waitForURL(`${market.url}/`);
  await page.getByRole('link', { name: 'Sign in' }).first().waitFor();
  await page.goto(`${market.url}/store/forgot`);
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Send the code' }).click();
  await page.getByText('If the address has an account, a code is on its way.').waitFor();
  await isAccessible(page);
  isQuiet(page);
  await who.context.close();
}

/** Without event streams (a proxy that holds them back) the page asks every few seconds, and says so. */
async function pollsWhereStreamsAreHeldBack(context) {
  const { market, seller } = context;
  const product = await seller.product({ stock: 30 });
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/ERR_|MIME|EventSource/);
  await who.context.route('**/stock/stream', (route) => route.abort('connectionrefused'));
  await page.goto(`${market.url}/store/products/${product.id}`);
  await page.locator('.fresh.poll').waitFor(seconds(15));
  await (await buyer(market.url)).buy(product, 2);
  await page.locator('.stock-text b', { hasText: /^28$/ }).waitFor(seconds(15));
  isQuiet(page);
  await who.context.close();
}

async function remembersLanguageAndTheme(context) {
  const { market } = context;
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(market.url);
  await page.getByRole('button', { name: '한국어' }).click();
  await page.getByRole('heading', { name: '전체 상품' }).waitFor();
  await page.getByRole('button', { name: '계정' }).click();
  await page.getByRole('menuitemradio', { name: '어둡게' }).click();
  await page.reload();
  await page.getByRole('heading', { name: '전체 상품' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await page.setViewportSize(narrow); // Here the menu alone has the languages.
  await page.getByRole('button', { name: '계정' }).click();
  await page.getByRole('menuitemradio', { name: 'English' }).click();
  await page.getByRole('heading', { name: 'Everything' }).waitFor();
  isQuiet(page);
  await who.context.close();
}

/** The menu is no wider than the narrowest window, however long the address is. */
async function fitsALongAddressIntoTheMenu(context) {
  const { market } = context;
  const one = await buyer(market.url);
  const who = await visitor(context, { viewport: narrow });
  const page = await who.tab();
  await signIn(page, market.url, one.account);
  await page.route('**/users/me', async (route) => {
    const answer = await route.fetch();
    return route.fulfill({ json: { ...await answer.json(), email: `${'w'.repeat(88)}@example.com` } });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Account', exact: true }).click();
  await page.getByText('w@example.com').waitFor();
  await fitsTheWidth(page);
  isQuiet(page);
  await who.context.close();
}

async function findsFiltersAndSaysWhenThereIsNothing(context) {
  const { market, seller } = context;
  await seller.product({ name: 'Findable lamp', kind: 'regular', sale: null });
  await seller.product({ name: 'For the first page' }); // A drop, which it shows once nothing is filtered.
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(market.url);
  await page.getByLabel('Search').fill('findable');
  await page.getByText('1 shown').waitFor();
  assert.match(page.url(), /search=findable/);
  await page.reload();
  await page.getByRole('link', { name: 'Findable lamp' }).waitFor();
  await page.getByRole('button', { name: 'Drops', exact: true }).click();
  await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
  await isAccessible(page);
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.locator('.hero').waitFor();
  page.expected.push(/^404 /);
  await page.goto(`${market.url}/store/products/0C3KQ2V8M0G00`);
  await page.getByRole('heading', { name: 'This product is not here' }).waitFor();
  await page.goto(`${market.url}/store/nothing`);
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  await isAccessible(page);
  await page.goto(`${market.url}/store/orders`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  isQuiet(page);
  await who.context.close();
}

async function showsTextAsText(context) {
  const { market, seller } = context;
  const evil = '<img src=x onerror=alert(1)>"\'><script>alert(2)</script>&lt;b&gt; {remaining}';
  const product = await seller.product({ name: evil, description: `${evil}\n\n${evil}`, category: '<b>c</b>' });
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/store/products/${product.id}`);
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), evil);
  assert.equal(await page.locator('main img, main script').count(), 0);
  await fitsTheWidth(page);
  isQuiet(page);
  await who.context.close();
}

/** At most 180 KiB of script, as gzip, until the first page is usable; nothing from elsewhere; all kept for a year. */
async function firstLoadIsSmall(context) {
  const { market } = context;
  const who = await visitor(context);
  const page = await who.tab();
  const loaded = [];
  page.on('response', (answer) => loaded.push({ url: answer.url(), kind: answer.request().resourceType() }));
  await page.goto(market.url);
  await page.locator('.card').first().waitFor();
  assert.deepEqual(loaded.filter(({ url }) => !url.startsWith(market.url)), []);
  let bytes = 0;
  for (const { url } of loaded.filter(({ kind }) => kind === 'script')) {
    const packed = await fetch(url, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(packed.headers.get('content-encoding'), 'gzip');
    assert.match(packed.headers.get('cache-control'), /immutable/);
    bytes += Number(packed.headers.get('content-length'));
  }
  console.log(`  first load: ${(bytes / 1024).toFixed(0)} KiB of script`);
  assert.ok(bytes > 10_000 && bytes <= 180 * 1024, `${bytes} bytes of script`);
  isQuiet(page);
  await who.context.close();
}

/** A good mobile network and a processor half as fast as this one. */
const slowDevice = { megabits: 10, roundTripMs: 40, cpuSlowdown: 2 };

async function slowDown(page) {
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.emulateNetworkConditions', {
    offline: false, latency: slowDevice.roundTripMs, downloadThroughput: (slowDevice.megabits * 1e6) / 8, uploadThroughput: 1e6 / 8,
  });
  await client.send('Emulation.setCPUThrottlingRate', { rate: slowDevice.cpuSlowdown });
}

/** Milliseconds from the start of the navigation until the button can be pressed. */
const pressableAfter = (page) => page.evaluate(() => new Promise((done) => {
  const look = () => {
    const found = document.querySelector('.buy-button');
    if (found && !found.disabled) done(performance.now());
    else requestAnimationFrame(look);
  };
  look();
}));

/** The page of an event can be used within a second, and a second visit asks for no script again. */
async function anEventIsUsableInASecond(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Within a second' });
  const times = [];
  let again;
  for (let i = 0; i < 3; i += 1) { // The best of three: the machine has other things to do.
    const who = await visitor(context);
    const page = await who.tab();
    await slowDown(page);
    await page.goto(`${market.url}/store/products/${product.id}`, { waitUntil: 'commit' });
    times.push(await pressableAfter(page));
    if (i === 2) {
      await page.locator('.fresh.stream').waitFor();
      await page.goto(`${market.url}/store/products/${product.id}`, { waitUntil: 'commit' });
      again = await pressableAfter(page);
      const files = await page.evaluate(() => performance.getEntriesByType('resource')
        .filter((each) => each.name.includes('/web/assets/')).map((each) => ({ name: each.name, bytes: each.transferSize })));
      assert.ok(files.length >= 5);
      assert.deepEqual(files.filter(({ bytes }) => bytes > 0), [], 'scripts, styles and fonts are kept');
    }
    isQuiet(page);
    await who.context.close();
  }
  const best = Math.min(...times);
  console.log(`  an event's button after ${times.map(Math.round).join(', ')} ms, at the second visit after ${Math.round(again)} ms`
    + ` (${slowDevice.megabits} Mbit/s, ${slowDevice.roundTripMs} ms, processor 1/${slowDevice.cpuSlowdown})`);
  const busy = loadavg()[0] / cpus().length;
  if (busy > 1) console.log(`  not judged: ${busy.toFixed(1)} programs want each processor, so that these are their times too`);
  else assert.ok(best <= 1000 * patience, `${best} ms`);
}

await run([collectsInACartAndRemembers, showsAllOfLongLists, saysThatAPressDidNotWork, takesANumberThatIsTyped, ordersWhatWasTyped, asksWhichCurrency, saysWhatIsWrongInTheReadersLanguage, returnsWhatWasDelivered, keepsAnAccount, pollsWhereStreamsAreHeldBack, remembersLanguageAndTheme, fitsALongAddressIntoTheMenu,
  findsFiltersAndSaysWhenThereIsNothing, showsTextAsText, firstLoadIsSmall, anEventIsUsableInASecond], makeContext);
