// The shop in a real browser against the real server.
//
//   MARKET_BINARY=build/release/market node tests/browser/shop.mjs [name…]
//   BROWSER_SHOTS=FOLDER keeps pictures
import assert from 'node:assert/strict';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';

import { admin, buyer, password } from './api.mjs';
import { fitsTheWidth, isQuiet, patience, phone, picture, run, tabTo, wide } from './browser.mjs';
import { Server, until } from './platform.mjs';
import { isAccessible, makeContext, seconds, signIn, visitor } from './visit.mjs';

const words = {
  en: {
    signInToBuy: 'Sign in to buy', buy: /^Buy now for/, payNow: 'Pay now', pay: /^Pay ₩/, paid: 'Paid', cancel: 'Cancel order',
    signUp: 'Create account', later: 'Later', got: 'You got no.', cancelled: 'Cancelled', refunded: /paid back/, email: 'E-mail',
    password: 'Password', name: 'Name', opens: /^Opens at/, orders: 'My orders', signIn: 'Sign in',
  },
  ko: {
    signInToBuy: '로그인하고 구매', buy: /지금 구매$/, payNow: '결제하기', pay: /결제하기$/, paid: '결제 완료', cancel: '주문 취소',
    signUp: /^(회원가입|가입하기)$/, later: '나중에', got: '번을 받았습니다', cancelled: '취소', refunded: /환불했습니다/, email: '이메일',
    password: '비밀번호', name: '이름', opens: /오픈$/, orders: '내 주문', signIn: '로그인',
  },
};
const button = (page) => page.locator('.buy-button');
const ticketNumber = (page) => page.locator('.ticket-number [aria-hidden=true]').innerText();

// --- the whole way, twice -----------------------------------------------------------------------------------

async function walk(context, language, viewport, scheme) {
  const { market, seller } = context;
  const say = words[language];
  const name = `${language}-${viewport === phone ? 'phone' : 'desktop'}`;
  const product = await seller.product({ name: language === 'ko' ? '새벽 러너 01' : 'Aurora Runner 01', stock: 40 });
  const who = await visitor(context, { viewport, language, scheme });
  const page = await who.tab();
  const look = async (what) => {
    await fitsTheWidth(page);
    await isAccessible(page);
    await picture(page, `shop-${what}-${name}`);
  };
  await page.goto(market.url);
  await page.getByRole('link', { name: product.name }).first().waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), language);
  await look('home');
  await page.locator('.card a', { hasText: product.name }).click();
  await page.getByRole('button', { name: say.signInToBuy }).waitFor();
  await page.locator('.fresh.stream').waitFor();
  await look('product');
  await page.getByRole('button', { name: say.signInToBuy }).click();
  await look('sign-in');
  await page.locator('main').getByRole('link', { name: say.signUp }).click();
  await page.getByLabel(say.name).fill('김하나');
  await page.getByLabel(say.email).fill(`walk-${name}-${Date.now()}@example.com`);
  await page.getByLabel(say.password).fill(password);
  await look('sign-up');
  await page.locator('form button[type=submit]').click();
  await page.getByRole('link', { name: say.later }).click();
  await page.getByRole('button', { name: say.buy }).click();
  await page.locator('.ticket').getByText(say.got).waitFor();
  assert.match(await ticketNumber(page), /1$/);
  await look('ticket');
  await page.getByRole('link', { name: say.payNow }).click();
  await page.getByRole('button', { name: say.pay }).waitFor();
  await look('pay');
  await page.getByLabel(/0002/).check();
  page.expected.push(/^402 /);
  await page.getByRole('button', { name: say.pay }).click();
  await page.locator('.notice.bad').waitFor();
  await page.getByLabel(/0001/).check();
  await page.getByRole('button', { name: say.pay }).click();
  await page.locator('.history').getByText(say.paid).waitFor();
  await page.locator('.notice.good').waitFor();
  await look('order');
  await page.goto(`${market.url}/store/orders`);
  await page.locator('.order-row').first().waitFor();
  await look('orders');
  await page.goto(`${market.url}/store/me`);
  await page.locator('.device').first().waitFor();
  await look('me');
  await page.goto(`${market.url}/store/orders`);
  await page.locator('.order-row a').first().click();
  await page.getByRole('button', { name: say.cancel }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: say.cancel }).waitFor();
  await isAccessible(page);
  await page.getByRole('alertdialog').getByRole('button', { name: say.cancel }).click();
  await page.locator('.history').getByText(say.cancelled).waitFor();
  await page.getByText(say.refunded).waitFor();
  isQuiet(page);
  await who.context.close();
}
const buysOnADesktopInEnglish = (context) => walk(context, 'en', wide, 'light');
const buysOnADesktopInKorean = (context) => walk(context, 'ko', wide, 'dark');
const buysOnAPhoneInEnglish = (context) => walk(context, 'en', phone, 'light');
const buysOnAPhoneInKorean = (context) => walk(context, 'ko', phone, 'dark');

// --- the opening --------------------------------------------------------------------------------------------

/** The reader's clock is five minutes ahead: the countdown is right all the same, and says so. */
async function opensByTheServersClock(context) {
  const { market, seller } = context;
  const opensAt = new Date(Date.now() + 6000 + 2000 * patience);
  const product = await seller.product({ sale: { opensAt: opensAt.toISOString(), perUserLimit: 1 } });
  const one = await buyer(market.url);
  const who = await visitor(context, {
    before: () => {
      const real = Date.now.bind(Date);
      Date.now = () => real() + 300_000;
    },
  });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByText(/yours is 300\.\d s ahead/).waitFor();
  const left = Math.ceil((opensAt - Date.now()) / 1000);
  const shown = Number((await page.locator('.countdown b').last().innerText()));
  assert.ok(Math.abs(shown - left) <= 1, `${shown} s are shown, ${left} s are left`);
  assert.ok(await button(page).isDisabled());
  await isAccessible(page);
  await picture(page, 'shop-countdown');
  await page.getByRole('button', { name: words.en.buy }).click(seconds(15));
  assert.ok(Date.now() >= opensAt, 'the button was there too early');
  await page.locator('.ticket').getByText('You got no. 1').waitFor();
  isQuiet(page);
  await who.context.close();
}

async function twoRaceForTheLastOne(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'The last one', stock: 1 });
  const pages = [];
  for (let i = 0; i < 2; i += 1) {
    const who = await visitor(context, i === 0 ? {} : { viewport: phone, language: 'ko' });
    const page = await who.tab();
    page.expected.push(/^409 /);
    const one = await buyer(market.url);
    await signIn(page, market.url, one.account, who.language, `/store/products/${product.id}`);
    await page.getByRole('button', { name: words[who.language].buy }).waitFor();
    pages.push(page);
  }
  await Promise.all(pages.map((page) => button(page).click()));
  const outcome = (page) => Promise.race([
    page.locator('.ticket').waitFor().then(() => 'got'),
    page.getByText(/came after the last one|마지막 수량 다음에 도착/).waitFor().then(() => 'late'),
  ]);
  const outcomes = await Promise.all(pages.map(outcome));
  assert.deepEqual([...outcomes].sort(), ['got', 'late']);
  const late = pages[outcomes.indexOf('late')];
  await isAccessible(late);
  await picture(late, 'shop-sold-out');
  assert.ok(await button(late).isDisabled());
  // The unit comes back, and with it the button.
  const winner = pages[outcomes.indexOf('got')];
  await winner.locator('.ticket a').click();
  await winner.getByRole('button', { name: /^(Cancel order|주문 취소)$/ }).click();
  await winner.getByRole('alertdialog').getByRole('button', { name: /^(Cancel order|주문 취소)$/ }).click();
  await late.getByRole('button', { name: /^Buy now for|지금 구매$/ }).click(seconds(10));
  await late.locator('.ticket').waitFor();
  for (const page of pages) {
    isQuiet(page);
    await page.context().close();
  }
}

// --- one press, one order -----------------------------------------------------------------------------------

async function pressingTwiceIsOneOrder(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const first = await who.tab();
  await signIn(first, market.url, one.account, 'en', `/store/products/${product.id}`);
  await first.getByRole('button', { name: words.en.buy }).waitFor();
  await button(first).evaluate((element) => { element.click(); element.click(); element.click(); });
  await first.locator('.ticket').waitFor();
  const again = await who.tab();
  await again.goto(`${market.url}/store/products/${product.id}`);
  await again.locator('.ticket').getByText('You got no. 1').waitFor();
  assert.equal((await one.orders()).length, 1);
  isQuiet(first);
  isQuiet(again);
  await who.context.close();
}

/** The answer never arrives; the page is loaded again, a second tab is opened: it stays the same purchase. */
async function aLostAnswerIsAskedForAgain(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/ERR_/);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  const keys = new Set();
  let lost = 0;
  await who.context.route('**/api/v1/orders', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    keys.add(route.request().headers()['idempotency-key']);
    if (lost >= 3) return route.fallback();
    lost += 1;
    await route.fetch(); // It reaches the server...
    return route.abort('connectionreset'); // ...and the answer is lost.
  });
  await button(page).click();
  await page.getByText('Connection lost, trying again').waitFor();
  await isAccessible(page);
  await picture(page, 'shop-connection-lost');
  const second = await who.tab();
  second.expected.push(/ERR_/);
  await second.goto(`${market.url}/store/products/${product.id}`);
  await page.reload();
  await page.locator('.ticket').waitFor(seconds(20));
  await second.locator('.ticket').waitFor(seconds(20));
  assert.equal(keys.size, 1, 'another key was sent');
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

async function aSlowAnswerIsCalledSlow(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.route('**/api/v1/orders', async (route) => {
    await new Promise((wake) => { setTimeout(wake, 4000); });
    return route.fallback();
  });
  await button(page).click();
  await page.getByText('Getting your place').waitFor();
  await button(page).click({ force: true });
  await page.getByText('Still asking').waitFor();
  await page.locator('.ticket').waitFor();
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

/** kill -9 while a purchase is under way, and a start on the same data. */
async function aKilledServerLosesNoPurchase(context) {
  const folder = path.join(context.folder, 'killed');
  const options = ['--data', folder, '--set', 'ratelimit.enabled=false'];
  let market = await Server.start(options);
  try {
    const seller = await admin(market.url);
    const product = await seller.product();
    const one = await buyer(market.url);
    const who = await visitor(context);
    const page = await who.tab();
    page.expected.push(/ERR_/);
    await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
    await page.getByRole('button', { name: words.en.buy }).waitFor();
    await Promise.all([market.kill(), button(page).click()]);
    await page.getByText('Connection lost, trying again').waitFor();
    await page.getByText('Connection lost, these are the last numbers').waitFor(seconds(15));
    market = await Server.start(options, market.address);
    await page.locator('.ticket').waitFor(seconds(30));
    assert.equal((await (await one.signIn()).orders()).length, 1);
    await page.getByRole('link', { name: 'Pay now' }).click();
    await page.getByRole('button', { name: words.en.pay }).click();
    await page.locator('.history').getByText('Paid').waitFor();
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

// --- many tabs ----------------------------------------------------------------------------------------------

async function tenTabsShareOneStream(context) {
  const { market, seller } = context;
  const product = await seller.product({ stock: 50 });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const streams = new Set();
  who.context.on('request', (request) => { if (request.resourceType() === 'eventsource') streams.add(request); });
  for (const over of ['requestfinished', 'requestfailed'])
    who.context.on(over, (request) => streams.delete(request));
  const tabs = [];
  for (let i = 0; i < 10; i += 1) {
    const tab = await who.tab();
    if (i === 0) await signIn(tab, market.url, one.account, 'en', `/store/products/${product.id}`);
    else await tab.goto(`${market.url}/store/products/${product.id}`);
    tabs.push(tab);
  }
  for (const tab of tabs) await tab.locator('.fresh.stream').waitFor();
  assert.equal(streams.size, 1);
  const other = await buyer(market.url);
  await other.buy(product, 2);
  for (const tab of tabs) await tab.locator('.stock-text b', { hasText: /^48$/ }).waitFor();
  // The leader goes: another tab takes over.
  await tabs[0].close();
  await (await buyer(market.url)).buy(product);
  for (const tab of tabs.slice(1)) await tab.locator('.stock-text b', { hasText: /^47$/ }).waitFor();
  await button(tabs[9]).click();
  for (const tab of tabs.slice(1)) await tab.locator('.ticket').waitFor();
  tabs.slice(1).forEach(isQuiet);
  await who.context.close();
}

// --- the rest -----------------------------------------------------------------------------------------------

async function buysByKeyboardAlone(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'By keyboard' });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/store/products/${product.id}`);
  await page.getByRole('button', { name: 'Sign in to buy' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await tabTo(page, button(page));
  await page.keyboard.press('Enter');
  await page.getByLabel('E-mail').waitFor();
  await page.keyboard.type(one.account.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(one.account.password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: words.en.buy }).waitFor();
  await tabTo(page, button(page));
  await page.keyboard.press('Space');
  await page.locator('.ticket').waitFor();
  await tabTo(page, page.getByRole('link', { name: 'Pay now' }));
  isQuiet(page);
  await who.context.close();
}

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
  isQuiet(page);
  await who.context.close();
}

async function findsFiltersAndSaysWhenThereIsNothing(context) {
  const { market, seller } = context;
  await seller.product({ name: 'Findable lamp', kind: 'regular', sale: null });
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

/** A good mobile network and a processor four times slower than this one. */
const slowDevice = { megabits: 10, roundTripMs: 40, cpuSlowdown: 4 };

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
  if (busy > 2) console.log(`  not judged: ${busy.toFixed(1)} programs want each processor, so that these are their times too`);
  else assert.ok(best <= 1000 * patience, `${best} ms`);
}

/** The same shop behind a gateway, and no page hides what the API says. */
async function worksBehindAGateway(context) {
  const registry = await Server.start(['--role', 'registry']);
  const set = ['--set', `registry.urls=${registry.url}/eureka`, '--set', 'ratelimit.enabled=false'];
  const services = await Server.start(['--role', 'user,product,order', '--data', path.join(context.folder, 'behind'), ...set]);
  const gateway = await Server.start(['--role', 'gateway', ...set.slice(0, 2)]);
  try {
    await until(async () => (await fetch(`${gateway.url}/api/v1/products`)).ok, 20);
    const product = await (await admin(services.url)).product({ name: 'Behind a gateway' });
    const one = await buyer(services.url);
    const who = await visitor(context);
    const page = await who.tab();
    await signIn(page, gateway.url, one.account, 'en', `/store/products/${product.id}`);
    await page.locator('.fresh.stream').waitFor();
    await button(page).click();
    await page.locator('.ticket').waitFor();
    const missing = await fetch(`${gateway.url}/api/v1/nothing`, { headers: { Accept: 'text/html' } });
    assert.equal(missing.status, 404);
    assert.match(missing.headers.get('content-type'), /problem/);
    isQuiet(page);
    await who.context.close();
  } finally {
    for (const server of [gateway, services, registry]) await server.stop();
  }
}

await run([buysOnADesktopInEnglish, buysOnADesktopInKorean, buysOnAPhoneInEnglish, buysOnAPhoneInKorean, opensByTheServersClock, twoRaceForTheLastOne,
  pressingTwiceIsOneOrder, aLostAnswerIsAskedForAgain, aSlowAnswerIsCalledSlow, aKilledServerLosesNoPurchase,
  tenTabsShareOneStream, buysByKeyboardAlone, collectsInACartAndRemembers, remembersLanguageAndTheme, findsFiltersAndSaysWhenThereIsNothing,
  showsTextAsText, firstLoadIsSmall, anEventIsUsableInASecond, worksBehindAGateway], makeContext);
